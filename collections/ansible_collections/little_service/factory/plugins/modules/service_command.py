#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command inside a service."""

DOCUMENTATION = r"""
---
module: service_command
short_description: Run a command inside a service on Elastic Beanstalk
description:
  - Has Systems Manager run a command in a container of one instance of an environment, and adds what it printed to the file O(log).
  - Fails where the command does, and says its exit status.
  - "Not C(amazon.aws.ssm_command): there is none, and the connection plugin C(aws_ssm) wants a plugin of its own on this machine."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  environment:
    description: The environment.
    type: str
    required: true
  container:
    description: The service of the compose file in whose container it runs.
    type: str
    default: web
  command:
    description: The command, as a shell reads it.
    type: str
    required: true
  timeout:
    description: For how many seconds it may run.
    type: int
    default: 600
attributes:
  check_mode: {support: full, description: Nothing is run.}
  idempotent: {support: none, description: What a command does is not known.}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Check the settings
  little_service.factory.service_command:
    environment: orbit-ledger-staging
    command: python server/manage.py check
"""

RETURN = r"""
instance:
  description: The instance on which it ran.
  type: str
  returned: success
rc:
  description: Its exit status.
  type: int
  returned: when it was run
stdout:
  description: What it printed. Systems Manager keeps 24000 characters.
  type: str
  returned: success
"""

import shlex

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

# Where Beanstalk has the compose file: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.html
FOLDER = "/var/app/current"
RUNNING = ("Pending", "InProgress", "Delayed", "Cancelling")
DELIVERY = 60  # seconds for an instance to take it


class Command:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html"""

    def __init__(self, module):
        self._module, self._options, self._client = module, module.params, module.client("ssm")
        self.instance, self.id, self.found = self._instance(), "", {}

    def __str__(self):
        return f"command on {self.instance}"

    def _instance(self):
        eb, name = self._module.client("elasticbeanstalk"), self._options["environment"]
        standing = eb.describe_environments(EnvironmentNames=[name], IncludeDeleted=False)["Environments"]
        if not standing:
            raise declared.DeclarationError(f"The environment {name} does not stand. It is made by aws_up.yml.")
        listed = eb.describe_environment_resources(EnvironmentName=name)["EnvironmentResources"].get("Instances", [])
        if not listed:
            raise declared.DeclarationError(f"The environment {name} has no instance. How it is, is told by: aws_status.yml")
        return min(one["Id"] for one in listed)

    def send(self):
        inside = f"docker compose exec -T {shlex.quote(self._options['container'])} sh -c {shlex.quote(self._options['command'])}"
        asked = {
            "InstanceIds": [self.instance],
            "DocumentName": "AWS-RunShellScript",
            "TimeoutSeconds": DELIVERY,
            "Parameters": {
                "commands": [inside],
                "workingDirectory": [FOLDER],
                "executionTimeout": [str(self._options["timeout"])],
            },
        }
        try:
            # A command whose answer was lost may have run: it is not asked for twice.
            self.id = self._module.client("ssm", retries={"total_max_attempts": 1}).send_command(**asked)["Command"]["CommandId"]
        except self._client.exceptions.InvalidInstanceId as error:
            raise declared.DeclarationError(
                f"Systems Manager does not reach {self.instance}: its agent has not reported yet, or may not. Try again in a minute."
            ) from error

    def look(self):
        """For ``wait_until``: whether it has ended."""
        asked = {"CommandId": self.id, "InstanceId": self.instance}
        # It is not seen at once: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
        self.found = self._module.patiently(self._client.get_command_invocation, "InvocationDoesNotExist", **asked)
        return self.found["Status"] not in RUNNING, self.found["Status"]


def main():
    module = AwsModule(
        {
            "environment": {"type": "str", "required": True},
            "container": {"type": "str", "default": "web"},
            "command": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 600},
        }
    )
    log, module.params["log"] = module.params["log"], None  # only what the command prints is for it
    with module.telling(f"command in {module.params['environment']}"):
        command = Command(module)
        if module.check_mode:
            module.exit_json(changed=True, steps=[], instance=command.instance)
        command.send()
        module.wait_until(command, command.look, module.params["timeout"] + DELIVERY)
    printed = command.found.get("StandardOutputContent", "") + command.found.get("StandardErrorContent", "")
    module.params["log"] = log
    for line in printed.splitlines():
        module.tell(line)
    status, rc = command.found["Status"], command.found.get("ResponseCode", -1)
    if status != "Success":
        why = f"exit status {rc}" if status == "Failed" else status
        module.fail_json(msg=f"The {command} ended with {why}: {module.params['command']}", rc=rc)
    module.exit_json(changed=True, steps=[], instance=command.instance, rc=rc, stdout=printed)


if __name__ == "__main__":
    main()
