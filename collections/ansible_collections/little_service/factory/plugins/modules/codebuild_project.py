#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A build project."""

DOCUMENTATION = r"""
---
module: codebuild_project
short_description: Keep a CodeBuild project as declared
description:
  - Makes a project that a pipeline builds images with, keeps it, or removes it. A role that was made just now is waited for.
  - "Not C(community.aws.codebuild_project): that has no check mode, and updates before it compares."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The project's name.
    type: str
    required: true
  state:
    description: C(absent) removes the project, the history of its builds and their reports.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: What it builds, in words.
    type: str
    default: ""
  role:
    description: The ARN of the role that builds have. Needed where the project is to be there.
    type: str
  image:
    description: The image in which builds run.
    type: str
    default: aws/codebuild/amazonlinux-x86_64-standard:5.0
  compute_type:
    description: How large the machine is.
    type: str
    default: BUILD_GENERAL1_SMALL
  privileged:
    description: Whether builds may run Docker's engine.
    type: bool
    default: true
  environment_variables:
    description: Variables of every build. Others are removed. Nothing secret belongs here, as they are shown in the console.
    type: dict
    default: {}
  buildspec:
    description: What a build does; a path in the source.
    type: str
    default: buildspec.yml
  cache_modes:
    description: What a build finds again of the one before, where it meets the same machine; nothing if empty.
    type: list
    elements: str
    default: [LOCAL_DOCKER_LAYER_CACHE]
  log_group:
    description: The group in CloudWatch Logs to which builds write. Needed where the project is to be there.
    type: str
  reports:
    description: The reports that the buildspec names. Builds make a group for each, which AWS would keep when the project is gone.
    type: list
    elements: str
    default: [tests]
  timeout_minutes:
    description: How long a build may take.
    type: int
    default: 60
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Keep the project that builds the service's image
  little_service.factory.codebuild_project:
    name: orbit-ledger-staging
    role: arn:aws:iam::123456789012:role/little-service/orbit-ledger-staging-us-west-2-build
    log_group: /aws/codebuild/orbit-ledger-staging
    environment_variables: {IMAGE_REPO_NAME: orbit-ledger-staging}
"""

RETURN = r"""
arn:
  description: The project's ARN.
  type: str
  returned: success
"""

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

PIPELINE = "CODEPIPELINE"


class Project(declared.Resource):
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Project.html"""

    kind = "build project"
    taken = frozenset({"ResourceAlreadyExistsException"})

    def __init__(self, module):
        options = module.params
        self._module, self._codebuild, self.arn = module, module.client("codebuild"), declared.KNOWN_AFTER_APPLY
        wanted = {
            "description": options["description"],
            "role": options["role"],
            "source": {"type": PIPELINE, "buildspec": options["buildspec"]},
            "artifacts": PIPELINE,
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": options["image"],
                "computeType": options["compute_type"],
                "privilegedMode": options["privileged"],
                "imagePullCredentialsType": "CODEBUILD",
            },
            "environment_variables": {key: str(value) for key, value in options["environment_variables"].items()},
            "cache": {"type": "LOCAL", "modes": sorted(options["cache_modes"])} if options["cache_modes"] else {"type": "NO_CACHE"},
            "log_group": options["log_group"],
            "timeout_minutes": options["timeout_minutes"],
            "tags": options["tags"],
        }
        super().__init__(options["name"], wanted)

    def read(self):
        found = next(iter(self._codebuild.batch_get_projects(names=[self.name])["projects"]), None)
        if found is None:
            return None
        self.arn = found["arn"]
        environment, cache, logs = found["environment"], found["cache"], found.get("logsConfig", {}).get("cloudWatchLogs", {})
        return {
            "description": found.get("description", ""),
            "role": found["serviceRole"],
            "source": {key: found["source"].get(key) for key in self.wanted["source"]},
            "artifacts": found["artifacts"]["type"],
            "environment": {key: environment.get(key) for key in self.wanted["environment"]},
            "environment_variables": {one["name"]: shown(one) for one in environment.get("environmentVariables", [])},
            "cache": {
                key: sorted(value) if key == "modes" else value for key, value in cache.items() if key in ("type", "modes") and value
            },
            "log_group": logs.get("groupName") if logs.get("status") == "ENABLED" else None,
            "timeout_minutes": found["timeoutInMinutes"],
            "tags": tag_dict(found.get("tags", []), "key", "value"),
        }

    def create(self):
        self.arn = self._once_assumable(self._codebuild.create_project, self.wanted)["arn"]

    def update(self, step):
        """UpdateProject leaves what is not named, and takes a structure that is named as the whole of it; tags too."""
        self._once_assumable(self._codebuild.update_project, step.after)

    def _once_assumable(self, ask, wanted):
        """IAM's new roles are not seen at once: hashicorp/terraform-provider-aws#4233."""
        words = "is not authorized to perform: sts:AssumeRole on"
        return self._module.patiently(ask, "InvalidInputException", words=words, **self._whole(wanted))["project"]

    def _whole(self, wanted):
        variables = [{"name": key, "value": value, "type": "PLAINTEXT"} for key, value in wanted["environment_variables"].items()]
        return {
            "name": self.name,
            "description": wanted["description"],
            "source": wanted["source"],
            "artifacts": {"type": wanted["artifacts"]},
            "environment": {**wanted["environment"], "environmentVariables": variables},
            "cache": wanted["cache"],
            "serviceRole": wanted["role"],
            "timeoutInMinutes": wanted["timeout_minutes"],
            "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": wanted["log_group"]}},
            "tags": tag_list(wanted["tags"], "key", "value"),
        }

    def delete(self):
        """Last the project, by which a run that was cut off knows what is left. https://docs.aws.amazon.com/codebuild/latest/userguide/test-report-group-naming.html"""
        for report in self._module.params["reports"]:
            arn = f"{self.arn.rpartition(':')[0]}:report-group/{self.name}-{report}"
            self._codebuild.delete_report_group(arn=arn, deleteReports=True)  # also one that is not there
        self._codebuild.delete_project(name=self.name)


def shown(variable):
    """A variable's value; one that is read from a secret or a parameter by its kind and place, which no declared value equals."""
    kind = variable.get("type", "PLAINTEXT")
    return variable["value"] if kind == "PLAINTEXT" else f"{kind} {variable['value']}"


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "description": {"type": "str", "default": ""},
            "role": {"type": "str"},
            "image": {"type": "str", "default": "aws/codebuild/amazonlinux-x86_64-standard:5.0"},
            "compute_type": {"type": "str", "default": "BUILD_GENERAL1_SMALL"},
            "privileged": {"type": "bool", "default": True},
            "environment_variables": {"type": "dict", "default": {}},
            "buildspec": {"type": "str", "default": "buildspec.yml"},
            "cache_modes": {"type": "list", "elements": "str", "default": ["LOCAL_DOCKER_LAYER_CACHE"]},
            "log_group": {"type": "str"},
            "reports": {"type": "list", "elements": "str", "default": ["tests"]},
            "timeout_minutes": {"type": "int", "default": 60},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["role", "log_group"])],
    )
    project = Project(module)
    steps = declared.carry_out(module, [project], present=module.params["state"] == "present")
    module.done(steps, arn=project.arn)


if __name__ == "__main__":
    main()
