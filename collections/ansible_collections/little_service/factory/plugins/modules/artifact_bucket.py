#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A private bucket."""

DOCUMENTATION = r"""
---
module: artifact_bucket
short_description: Keep a private S3 bucket as declared
description:
  - Makes the bucket encrypted, versioned, owned and seen by its account alone, keeps its policy, lifecycle and tags, or removes it.
  - What was overwritten or deleted is kept for some days. What stands is never expired; nobody can tell from it what is still deployed.
  - "Not C(amazon.aws.s3_bucket): it makes the bucket in one call and says whose it is in another, so that a run which is killed between
    the two leaves a bucket of nobody's; and C(amazon.aws.s3_lifecycle) would be a second task."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The bucket's name.
    type: str
    required: true
  state:
    description: C(absent) removes the bucket, with what is in it only where O(force) is true.
    type: str
    choices: [present, absent]
    default: present
  policy:
    description: Who else may do what, and who must not, as a policy document.
    type: dict
  keep_days:
    description: For how many days what was overwritten or deleted can be brought back.
    type: int
    default: 30
  force:
    description: Whether a bucket with objects in it may be removed.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Keep a bucket of artifacts
  little_service.factory.artifact_bucket:
    name: little-service-production-123456789012-us-west-2
    tags: {"little-service:service": shared}
"""

RETURN = r"""
arn:
  description: The bucket's ARN.
  type: str
  returned: success
"""

import json

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.policies import canonical

ABORT_DAYS = 7  # an upload in parts that nobody ends costs as much as one that did
PRIVATE = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
UNSET = {  # how S3 says that a bucket has none
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
}
ANOTHERS = (
    "The {} stands and these keys may not read it. Names of buckets are the whole world's: either it is another account's, "
    "or the keys lack s3:GetBucketTagging. Whose keys they are is told by: aws sts get-caller-identity"
)


def lifecycle_rules(days):
    """The rules as S3 gives them back."""
    return [
        {
            "ID": "forget-what-was-overwritten",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": days},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": ABORT_DAYS},
        }
    ]


class Bucket(declared.Resource):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"""

    kind = "bucket"
    taken = frozenset({"BucketAlreadyOwnedByYou"})

    def __init__(self, module):
        self._module, self._s3 = module, module.client("s3")
        self.arn = f"arn:{self._s3.meta.partition}:s3:::{module.params['name']}"
        wanted = {
            # S3's own key: one of KMS that AWS manages cannot be used by another account, to which a bundle may be promoted.
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
            "encryption": "AES256",
            "versioning": "Enabled",
            "public_access_block": PRIVATE,
            "ownership": "BucketOwnerEnforced",
            "lifecycle": lifecycle_rules(module.params["keep_days"]),
            "policy": canonical(module.params["policy"]),
            "tags": module.params["tags"],
        }
        super().__init__(module.params["name"], wanted)

    def read(self):
        try:
            tags = self._ask("get_bucket_tagging", "TagSet") or []
        except self._s3.exceptions.ClientError as error:
            if declared.code_of(error) == "NoSuchBucket":
                return None
            if declared.code_of(error) == "AccessDenied":
                raise declared.DeclarationError(ANOTHERS.format(self)) from None
            raise
        rules = (self._ask("get_bucket_encryption", "ServerSideEncryptionConfiguration") or {"Rules": []})["Rules"]
        ownership = (self._ask("get_bucket_ownership_controls", "OwnershipControls") or {"Rules": [{}]})["Rules"]
        return {
            "encryption": rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm") if rules else None,
            "versioning": self._ask("get_bucket_versioning", "Status"),
            "public_access_block": self._ask("get_public_access_block", "PublicAccessBlockConfiguration"),
            "ownership": ownership[0].get("ObjectOwnership"),
            "lifecycle": self._ask("get_bucket_lifecycle_configuration", "Rules"),
            "policy": canonical(self._ask("get_bucket_policy", "Policy")),
            "tags": tag_dict(tags),
        }

    def _ask(self, operation, key):
        try:
            return getattr(self._s3, operation)(Bucket=self.name).get(key)
        except self._s3.exceptions.ClientError as error:
            if declared.code_of(error) not in UNSET:
                raise
            return None

    def create(self):
        """With its tags in the same call: a bucket of nobody's would be refused by the next run."""
        place = {"Tags": tag_list(self.wanted["tags"])}
        if self._module.region != "us-east-1":  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
            place["LocationConstraint"] = self._module.region
        self._s3.create_bucket(Bucket=self.name, ObjectOwnership=self.wanted["ownership"], CreateBucketConfiguration=place)
        rest = {key: value for key, value in self.wanted.items() if key not in ("tags", "ownership") and value is not None}
        self.update(declared.Step("update", {}, rest))

    def update(self, step):
        for key, value in step.changes.items():
            getattr(self, f"_set_{key}")(value)

    def _set_encryption(self, value):
        rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": value}}]
        self._s3.put_bucket_encryption(Bucket=self.name, ServerSideEncryptionConfiguration={"Rules": rules})

    def _set_versioning(self, value):
        self._s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": value})

    def _set_public_access_block(self, value):
        self._s3.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=value)

    def _set_ownership(self, value):
        self._s3.put_bucket_ownership_controls(Bucket=self.name, OwnershipControls={"Rules": [{"ObjectOwnership": value}]})

    def _set_lifecycle(self, value):
        self._s3.put_bucket_lifecycle_configuration(Bucket=self.name, LifecycleConfiguration={"Rules": value})

    def _set_policy(self, value):
        if value:
            self._s3.put_bucket_policy(Bucket=self.name, Policy=json.dumps(value))
        else:
            self._s3.delete_bucket_policy(Bucket=self.name)

    def _set_tags(self, value):
        self._s3.put_bucket_tagging(Bucket=self.name, Tagging={"TagSet": tag_list(value)})

    def delete(self):
        try:
            if self._module.params["force"]:
                self._empty()
            self._s3.delete_bucket(Bucket=self.name)
        except self._s3.exceptions.ClientError as error:
            if declared.code_of(error) == "BucketNotEmpty":
                raise declared.DeclarationError(
                    f"The {self} is not empty. Look with: aws s3 ls s3://{self.name}; it goes with all that is in it by force: true."
                ) from None
            if declared.code_of(error) != "NoSuchBucket":
                raise

    def _empty(self):
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self.name):
            listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if listed:
                objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
                self._s3.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "policy": {"type": "dict"},
            "keep_days": {"type": "int", "default": 30},
            "force": {"type": "bool", "default": False},
            "tags": {"type": "dict", "default": {}},
        }
    )
    bucket = Bucket(module)
    steps = declared.carry_out(module, [bucket], present=module.params["state"] == "present")
    module.done(steps, arn=bucket.arn)


if __name__ == "__main__":
    main()
