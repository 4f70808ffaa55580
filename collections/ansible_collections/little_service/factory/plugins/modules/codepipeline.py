#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pipeline."""

DOCUMENTATION = r"""
---
module: codepipeline
short_description: Keep a service's pipeline as declared
description:
  - Makes a pipeline of type V2 that takes a commit or a released bundle to environments of Elastic Beanstalk, keeps its whole structure,
    or removes it. A role that was made just now is waited for. AWS runs a new pipeline at once.
  - What somebody changed in the console is set right. A pipeline that is as declared is not updated, as each update makes a version of
    its structure, and rolling a stage back works within one version only.
  - "Not C(community.aws.codepipeline): that has no check mode, and an identical second run makes another version."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The pipeline's name.
    type: str
    required: true
  state:
    description: C(absent) removes the pipeline and its history.
    type: str
    choices: [present, absent]
    default: present
  role:
    description: The ARN of the role that the pipeline has. Needed where the pipeline is to be there, as are the three below.
    type: str
  bucket:
    description: The bucket through which artifacts go.
    type: str
  source:
    description: What is deployed; a commit of a repository, or a bundle that is in S3 already.
    type: dict
    suboptions:
      connection:
        description: The ARN of the connection to the repository's host.
        type: str
      repository:
        description: The repository, C(owner/name).
        type: str
      branch:
        description: The branch whose commits start the pipeline.
        type: str
      bucket:
        description: The bucket of a bundle; it has to be versioned.
        type: str
      key:
        description: The bundle's key. The pipeline runs when it is told to, not when the bundle changes.
        type: str
  deployments:
    description: Where it is deployed, all at the same time.
    type: list
    elements: dict
    suboptions:
      name:
        description: What the action is called.
        type: str
        required: true
      application:
        description: The application on Elastic Beanstalk.
        type: str
        required: true
      environment:
        description: The environment.
        type: str
        required: true
  build:
    description: The CodeBuild project that makes a bundle of the source. It gets C(IMAGE_TAG), the commit. None for a bundle.
    type: str
    default: ""
  approval:
    description: Whether somebody has to approve before it is deployed.
    type: bool
    default: false
  approval_topic:
    description: The ARN of the topic to which a request for approval is sent.
    type: str
    default: ""
  release:
    description: Where the bundle is put when it is deployed, for other environments to take.
    type: dict
    suboptions:
      bucket:
        description: The bucket.
        type: str
        required: true
      key:
        description: The key.
        type: str
        required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Keep the pipeline
  little_service.factory.codepipeline:
    name: orbit-ledger-staging
    role: arn:aws:iam::123456789012:role/little-service/orbit-ledger-staging-us-west-2-pipeline
    bucket: little-service-staging-123456789012-us-west-2
    source:
      connection: arn:aws:codeconnections:us-west-2:123456789012:connection/0a1b2c3d
      repository: example/orbit-ledger
      branch: main
    build: orbit-ledger-staging
    deployments:
      - {name: Web, application: orbit-ledger-staging, environment: orbit-ledger-staging}
"""

RETURN = r"""
arn:
  description: The pipeline's ARN.
  type: str
  returned: success
version:
  description: The version of its structure; 0 where there is none yet.
  type: int
  returned: success
"""

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared, pipelines
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule


class Pipeline(declared.Resource):
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineDeclaration.html"""

    kind = "pipeline"
    taken = frozenset({"PipelineNameInUseException"})

    def __init__(self, module):
        options = module.params
        self._module, self._codepipeline = module, module.client("codepipeline")
        self._region = self._codepipeline.meta.region_name
        self.arn, self.version = declared.KNOWN_AFTER_APPLY, 0
        self._declared = pipelines.structure(options) if options["state"] == "present" else None
        wanted = {"structure": pipelines.normal(self._declared, self._region)} if self._declared else {}
        super().__init__(options["name"], {**wanted, "tags": options["tags"]})

    def read(self):
        try:
            found = self._codepipeline.get_pipeline(name=self.name)
        except self._codepipeline.exceptions.PipelineNotFoundException:
            return None
        self.arn, self.version = found["metadata"]["pipelineArn"], found["pipeline"]["version"]
        tags = self._codepipeline.get_paginator("list_tags_for_resource").paginate(resourceArn=self.arn)
        return {
            "structure": pipelines.normal(found["pipeline"], self._region),
            "tags": tag_dict([tag for page in tags for tag in page["tags"]], "key", "value"),
        }

    def create(self):
        tags = tag_list(self.wanted["tags"], "key", "value")
        self._once_assumable(self._codepipeline.create_pipeline, tags=tags)
        self.read()

    def _once_assumable(self, ask, **more):
        """IAM's new roles are not seen at once: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html"""
        words, pipeline = "CodePipeline is not authorized to perform AssumeRole on role", {"name": self.name, **self._declared}
        return self._module.patiently(ask, "InvalidStructureException", words=words, pipeline=pipeline, **more)

    def update(self, step):
        if "structure" in step.changes:
            done = self._once_assumable(self._codepipeline.update_pipeline)
            self.version = done["pipeline"]["version"]
        if "tags" in step.changes:
            self._codepipeline.tag_resource(resourceArn=self.arn, tags=tag_list(step.changes["tags"], "key", "value"))

    def delete(self):
        self._codepipeline.delete_pipeline(name=self.name)


SOURCE = {key: {"type": "str"} for key in ("connection", "repository", "branch", "bucket")}
DEPLOYMENT = {key: {"type": "str", "required": True} for key in ("name", "application", "environment")}


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "role": {"type": "str"},
            "bucket": {"type": "str"},
            "source": {
                "type": "dict",
                "options": {**SOURCE, "key": {"type": "str", "no_log": False}},
                "required_together": [("connection", "repository", "branch"), ("bucket", "key")],
                "mutually_exclusive": [("repository", "key")],
                "required_one_of": [("repository", "key")],
            },
            "deployments": {"type": "list", "elements": "dict", "options": DEPLOYMENT},
            "build": {"type": "str", "default": ""},
            "approval": {"type": "bool", "default": False},
            "approval_topic": {"type": "str", "default": ""},
            "release": {
                "type": "dict",
                "options": {"bucket": {"type": "str", "required": True}, "key": {"type": "str", "required": True, "no_log": False}},
            },
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["role", "bucket", "source", "deployments"])],
    )
    pipeline = Pipeline(module)
    steps = declared.carry_out(module, [pipeline], present=module.params["state"] == "present")
    module.done(steps, arn=pipeline.arn, version=pipeline.version)


if __name__ == "__main__":
    main()
