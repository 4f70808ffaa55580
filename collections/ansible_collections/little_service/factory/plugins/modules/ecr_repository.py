#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A repository of images."""

DOCUMENTATION = r"""
---
module: ecr_repository
short_description: Keep an ECR repository as declared
description:
  - Makes the repository, keeps its settings, policies and tags, or removes it.
  - "Not C(community.aws.ecs_ecr): in check mode that says skipped where there is no repository yet, and it has no tags."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The repository's name.
    type: str
    required: true
  state:
    description: C(absent) removes the repository, with its images only where O(force) is true.
    type: str
    choices: [present, absent]
    default: present
  lifecycle_policy:
    description: The rules by which images expire, as ECR's document.
    type: dict
  policy:
    description: Who else may do what, as a policy document; nobody without it.
    type: dict
  force:
    description: Whether a repository with images in it may be removed.
    type: bool
    default: false
  prune:
    description:
      - Removes all images but the newest that has a tag which begins so, the one that is deployed.
      - Where there is no such image, the newest of all is kept.
    type: str
    default: ""
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Keep a repository of images
  little_service.factory.ecr_repository:
    name: orbit-ledger-production
    lifecycle_policy: {rules: []}
    tags: {"little-service:service": orbit-ledger}
"""

RETURN = r"""
arn:
  description: The repository's ARN.
  type: str
  returned: success
uri:
  description: Where images are pushed to and pulled from.
  type: str
  returned: success
"""

import json

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.policies import canonical


class OldImages(declared.Resource):
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html"""

    kind = "old images of"

    def __init__(self, module):
        self._ecr, self._prefix, self._digests = module.client("ecr"), module.params["prune"], []
        super().__init__(module.params["name"], {"images": 0})

    def read(self):
        pages = self._ecr.get_paginator("describe_images").paginate(repositoryName=self.name)
        try:
            images = sorted((one for page in pages for one in page["imageDetails"]), key=lambda one: one["imagePushedAt"])
        except self._ecr.exceptions.RepositoryNotFoundException:
            images = []
        released = [one for one in images if any(tag.startswith(self._prefix) for tag in one.get("imageTags", []))]
        kept = (released or images)[-1:]
        self._digests = [one["imageDigest"] for one in images if one not in kept]
        return {"images": len(self._digests)}

    def update(self, step):
        for start in range(0, len(self._digests), 100):  # no more in one call
            wanted = [{"imageDigest": digest} for digest in self._digests[start : start + 100]]
            refused = self._ecr.batch_delete_image(repositoryName=self.name, imageIds=wanted)["failures"]
            if refused:
                raise declared.DeclarationError(f"An image of {self.name} could not be removed: {refused[0]['failureReason']}")


class Repository(declared.Resource):
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Repository.html"""

    kind = "repository of images"
    taken = frozenset({"RepositoryAlreadyExistsException"})

    def __init__(self, module):
        self._ecr, self._force = module.client("ecr"), module.params["force"]
        self.arn = self.uri = declared.KNOWN_AFTER_APPLY
        wanted = {
            # A tag that moves would deploy what nobody tested.
            "image_tag_mutability": "IMMUTABLE",
            "scan_on_push": True,
            "lifecycle_policy": canonical(module.params["lifecycle_policy"]),
            "policy": canonical(module.params["policy"]),
            "tags": module.params["tags"],
        }
        super().__init__(module.params["name"], wanted)

    def read(self):
        try:
            (found,) = self._ecr.describe_repositories(repositoryNames=[self.name])["repositories"]
        except self._ecr.exceptions.RepositoryNotFoundException:
            return None
        self.arn, self.uri = found["repositoryArn"], found["repositoryUri"]
        return {
            "image_tag_mutability": found["imageTagMutability"],
            "scan_on_push": found["imageScanningConfiguration"]["scanOnPush"],
            "lifecycle_policy": self._document(self._ecr.get_lifecycle_policy, "lifecyclePolicyText"),
            "policy": self._document(self._ecr.get_repository_policy, "policyText"),
            "tags": tag_dict(self._ecr.list_tags_for_resource(resourceArn=self.arn)["tags"]),
        }

    def _document(self, ask, key):
        try:
            return canonical(ask(repositoryName=self.name)[key])
        except (self._ecr.exceptions.LifecyclePolicyNotFoundException, self._ecr.exceptions.RepositoryPolicyNotFoundException):
            return None

    def create(self):
        found = self._ecr.create_repository(
            repositoryName=self.name,
            imageTagMutability=self.wanted["image_tag_mutability"],
            imageScanningConfiguration={"scanOnPush": self.wanted["scan_on_push"]},
            tags=tag_list(self.wanted["tags"]),
        )["repository"]
        self.arn, self.uri = found["repositoryArn"], found["repositoryUri"]
        documents = {key: self.wanted[key] for key in ("lifecycle_policy", "policy") if self.wanted[key]}
        self.update(declared.Step("update", {}, documents))

    def update(self, step):
        """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html: each property has an operation of its own."""
        for key, value in step.changes.items():
            getattr(self, f"_set_{key}")(value)

    def _set_image_tag_mutability(self, value):
        self._ecr.put_image_tag_mutability(repositoryName=self.name, imageTagMutability=value)

    def _set_scan_on_push(self, value):
        self._ecr.put_image_scanning_configuration(repositoryName=self.name, imageScanningConfiguration={"scanOnPush": value})

    def _set_lifecycle_policy(self, value):
        if value:
            self._ecr.put_lifecycle_policy(repositoryName=self.name, lifecyclePolicyText=json.dumps(value))
        else:
            self._ecr.delete_lifecycle_policy(repositoryName=self.name)

    def _set_policy(self, value):
        if value:
            self._ecr.set_repository_policy(repositoryName=self.name, policyText=json.dumps(value))
        else:
            self._ecr.delete_repository_policy(repositoryName=self.name)

    def _set_tags(self, value):
        self._ecr.tag_resource(resourceArn=self.arn, tags=tag_list(value))

    def delete(self):
        self._ecr.delete_repository(repositoryName=self.name, force=self._force)


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "lifecycle_policy": {"type": "dict"},
            "policy": {"type": "dict"},
            "force": {"type": "bool", "default": False},
            "prune": {"type": "str", "default": ""},
            "tags": {"type": "dict", "default": {}},
        }
    )
    repository = Repository(module)
    steps = declared.carry_out(module, [repository], present=module.params["state"] == "present")
    if module.params["prune"]:
        steps += declared.carry_out(module, [OldImages(module)])
    module.done(steps, arn=repository.arn, uri=repository.uri)


if __name__ == "__main__":
    main()
