#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application of Elastic Beanstalk."""

DOCUMENTATION = r"""
---
module: beanstalk_application
short_description: Keep an application of Elastic Beanstalk as declared
description:
  - Makes the application, keeps how many of its versions are kept, its description and tags, or removes it with its versions.
  - "Not C(community.aws.elasticbeanstalk_app): that has neither tags nor the lifecycle of versions."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The application's name.
    type: str
    required: true
  state:
    description: C(absent) removes the application, its versions and their bundles. Environments must have ended before.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: What it is, in words.
    type: str
    default: ""
  versions_kept:
    description: How many versions are kept; older ones go when a new one is made, with their bundles, unless an environment runs them.
    type: int
    default: 50
  service_role:
    description: The ARN of the role with which Elastic Beanstalk removes versions. Needed where the application is to be there.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Keep the application
  little_service.factory.beanstalk_application:
    name: orbit-ledger-staging
    service_role: arn:aws:iam::123456789012:role/little-service/orbit-ledger-staging-us-west-2-runtime
    tags: {"little-service:service": orbit-ledger}
"""

RETURN = r"""
arn:
  description: The application's ARN.
  type: str
  returned: success
"""

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule


class Application(declared.Resource):
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ApplicationDescription.html"""

    kind = "application"
    taken = frozenset({"InvalidParameterValue"})  # "Application … already exists."

    def __init__(self, module):
        options = module.params
        self._eb, self.arn = module.client("elasticbeanstalk"), declared.KNOWN_AFTER_APPLY
        wanted = {
            "description": options["description"],
            "versions_kept": options["versions_kept"],
            # A bundle without its version could not be deployed any more, and would be paid for all the same.
            "bundles_kept": False,
            "versions_expire_by_age": False,
            "service_role": options["service_role"],
            "tags": options["tags"],
        }
        super().__init__(options["name"], wanted)

    def read(self):
        found = next(iter(self._eb.describe_applications(ApplicationNames=[self.name])["Applications"]), None)
        if found is None:
            return None
        self.arn = found["ApplicationArn"]
        lifecycle = found.get("ResourceLifecycleConfig", {})
        rules = lifecycle.get("VersionLifecycleConfig", {})
        count = rules.get("MaxCountRule", {"Enabled": False})
        return {
            "description": found.get("Description", ""),
            "versions_kept": count["MaxCount"] if count["Enabled"] else None,
            "bundles_kept": not count.get("DeleteSourceFromS3", False),
            "versions_expire_by_age": rules.get("MaxAgeRule", {}).get("Enabled", False),
            "service_role": lifecycle.get("ServiceRole"),
            "tags": tag_dict(self._eb.list_tags_for_resource(ResourceArn=self.arn)["ResourceTags"]),
        }

    def create(self):
        made = self._eb.create_application(
            ApplicationName=self.name,
            Description=self.wanted["description"],
            ResourceLifecycleConfig=self._lifecycle(),
            Tags=tag_list(self.wanted["tags"]),
        )
        self.arn = made["Application"]["ApplicationArn"]

    def _lifecycle(self):
        """https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-lifecycle.html: by number or by age, not both."""
        count = {"Enabled": True, "MaxCount": self.wanted["versions_kept"], "DeleteSourceFromS3": not self.wanted["bundles_kept"]}
        rules = {"MaxCountRule": count, "MaxAgeRule": {"Enabled": False}}
        return {"ServiceRole": self.wanted["service_role"], "VersionLifecycleConfig": rules}

    def update(self, step):
        changes = step.changes
        if "description" in changes:
            self._eb.update_application(ApplicationName=self.name, Description=changes["description"])
        if changes.keys() & {"versions_kept", "bundles_kept", "versions_expire_by_age", "service_role"}:
            self._eb.update_application_resource_lifecycle(ApplicationName=self.name, ResourceLifecycleConfig=self._lifecycle())
        if "tags" in changes:
            self._eb.update_tags_for_resource(ResourceArn=self.arn, TagsToAdd=tag_list(changes["tags"]))

    def delete(self):
        """Removing an application leaves its bundles in S3; removing a version need not."""
        listed = self._eb.get_paginator("describe_application_versions").paginate(ApplicationName=self.name)
        for version in [one for page in listed for one in page["ApplicationVersions"]]:
            try:
                self._eb.delete_application_version(
                    ApplicationName=self.name, VersionLabel=version["VersionLabel"], DeleteSourceBundle="SourceBundle" in version
                )
            except self._eb.exceptions.SourceBundleDeletionException:
                # The bundle was gone before; the version is deleted all the same:
                # https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DeleteApplicationVersion.html
                continue
        self._eb.delete_application(ApplicationName=self.name)


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "description": {"type": "str", "default": ""},
            "versions_kept": {"type": "int", "default": 50},
            "service_role": {"type": "str"},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["service_role"])],
    )
    application = Application(module)
    steps = declared.carry_out(module, [application], present=module.params["state"] == "present")
    module.done(steps, arn=application.arn)


if __name__ == "__main__":
    main()
