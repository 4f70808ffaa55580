#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A version of an application of Elastic Beanstalk."""

DOCUMENTATION = r"""
---
module: beanstalk_version
short_description: Keep a version of an application of Elastic Beanstalk
description:
  - Makes a version of a bundle, a file or a folder of this machine or an object in S3, or removes it.
  - "Its label is O(prefix) and a digest of the content: the same content is the same version, and is uploaded once. A folder is
    packed so that the same files give the same bytes."
  - "Not C(community.aws.elasticbeanstalk_app), which knows no versions: U(https://github.com/ansible-collections/community.aws/issues/1562)."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  application:
    description: The application's name.
    type: str
    required: true
  prefix:
    description: What the label begins with.
    type: str
    required: true
  bundle:
    description: A zip archive, or a folder that is made one. It is uploaded to O(bucket).
    type: path
  bucket:
    description: The bucket in which the bundle is kept, or is found.
    type: str
    required: true
  key:
    description: The object's key. What is uploaded gets the label and C(.zip) behind it; without O(bundle) it is the whole key.
    type: str
    required: true
  first:
    description: Whether it is for environments yet to be made only. Where one of the application stands, a version that is not there
      is not made.
    type: bool
    default: false
  state:
    description: C(absent) removes the version and its bundle.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Have something to run before the first release
  little_service.factory.beanstalk_version:
    application: orbit-ledger-staging
    prefix: placeholder
    bundle: files/placeholder
    bucket: little-service-staging-123456789012-us-west-2
    key: bundles/orbit-ledger/
    first: true
"""

RETURN = r"""
label:
  description: The version's label.
  type: str
  returned: success
"""

import pathlib

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.bundles import content_of, label_of

GONE = ("404", "NoSuchKey", "NoSuchBucket")


class Version(declared.Resource):
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ApplicationVersionDescription.html"""

    kind = "application version"
    taken = frozenset({"InvalidParameterValue"})  # "Application Version … already exists."
    fixed = frozenset({"bucket", "key"})
    cure = "Remove the version, and run this again: aws elasticbeanstalk delete-application-version --application-name … --version-label …"

    def __init__(self, module):
        options = module.params
        self._eb, self._s3 = module.client("elasticbeanstalk"), module.client("s3")
        self._application, self._first, self._arn = options["application"], options["first"], ""
        self._content = content_of(options["bundle"]) if options["bundle"] else None
        self._place = {"Bucket": options["bucket"], "Key": options["key"]}
        if self._content is None:
            name = label_of(options["prefix"], self._digest().encode())
        else:
            name = label_of(options["prefix"], self._content)
            self._place["Key"] += f"{name}.zip"
        super().__init__(
            name, {"bucket": self._place["Bucket"], "key": self._place["Key"], "bundle_is_there": True, "tags": options["tags"]}
        )

    def _digest(self):
        """What changes with an object's content: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html"""
        return self._s3.head_object(**self._place)["ETag"]

    def read(self):
        found = self._find()
        if found is None:
            return self.wanted if self._first and self._runs() else None
        self._arn, bundle = found["ApplicationVersionArn"], found["SourceBundle"]
        return {
            "bucket": bundle["S3Bucket"],
            "key": bundle["S3Key"],
            "bundle_is_there": self._is_there(),
            "tags": tag_dict(self._eb.list_tags_for_resource(ResourceArn=self._arn)["ResourceTags"]),
        }

    def _find(self):
        asked = {"ApplicationName": self._application, "VersionLabels": [self.name]}
        try:
            return next(iter(self._eb.describe_application_versions(**asked)["ApplicationVersions"]), None)
        except self._eb.exceptions.ClientError as error:
            if declared.code_of(error) != "InvalidParameterValue":  # "No Application named … found."
                raise
            return None

    def _runs(self):
        """Whether an environment of the application stands."""
        listed = self._eb.describe_environments(ApplicationName=self._application, IncludeDeleted=False)["Environments"]
        return any(one["Status"] not in ("Terminated", "Terminating") for one in listed)

    def _is_there(self):
        try:
            self._s3.head_object(**self._place)
        except self._s3.exceptions.ClientError as error:
            if declared.code_of(error) not in GONE:
                raise
            return False
        return True

    def create(self):
        self._upload()
        self._eb.create_application_version(
            ApplicationName=self._application,
            VersionLabel=self.name,
            SourceBundle={"S3Bucket": self._place["Bucket"], "S3Key": self._place["Key"]},
            Tags=tag_list(self.wanted["tags"]),
        )

    def _upload(self):
        if self._content is not None and not self._is_there():
            self._s3.put_object(**self._place, Body=self._content, ContentType="application/zip")

    def update(self, step):
        if "bundle_is_there" in step.changes:
            self._upload()
        if "tags" in step.changes:
            self._eb.update_tags_for_resource(ResourceArn=self._arn, TagsToAdd=tag_list(step.changes["tags"]))

    def delete(self):
        self._eb.delete_application_version(ApplicationName=self._application, VersionLabel=self.name, DeleteSourceBundle=True)


def main():
    module = AwsModule(
        {
            "application": {"type": "str", "required": True},
            "prefix": {"type": "str", "required": True},
            "bundle": {"type": "path"},
            "bucket": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": False},
            "first": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "default": {}},
        }
    )
    bundle = module.params["bundle"]
    if bundle and not pathlib.Path(bundle).exists():
        module.fail_json(msg=f"There is no bundle at {bundle}: give a zip archive, or a folder with a docker-compose.yml in it.")
    version = None
    with module.telling("application version"):
        version = Version(module)
    steps = declared.carry_out(module, [version], present=module.params["state"] == "present")
    module.done(steps, label=version.name)


if __name__ == "__main__":
    main()
