#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Environments of Elastic Beanstalk."""

DOCUMENTATION = r"""
---
module: beanstalk_environment
short_description: Keep environments of Elastic Beanstalk as declared
description:
  - Makes environments of one application, keeps their settings and tags, or ends them. One that is busy is waited for before it is changed.
  - The version that an environment runs, the number of its instances and newer versions of its platform are left alone. A new
    environment runs what a sister runs, else what the last one of its name ran, else O(version_label).
  - One whose launch failed and that was never well since is rebuilt; one that was terminated is made anew.
  - Neither amazon.aws nor community.aws has such a module (U(https://github.com/ansible-collections/community.aws/issues/1562)).
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  application:
    description: The application's name.
    type: str
    required: true
  environments:
    description: The environments.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The environment's name.
        type: str
        required: true
      state:
        description: C(absent) ends it.
        type: str
        choices: [present, absent]
        default: present
      tier:
        description: What kind of environment it is. It cannot be changed.
        type: str
        choices: [WebServer, Worker]
        default: WebServer
      cname_prefix:
        description: What its name in C(elasticbeanstalk.com) begins with, if it is made; AWS makes one up without it.
        type: str
        default: ""
      options:
        description: Values of options by namespace and name. An empty value is not declared, and what is not declared is left alone.
        type: dict
        default: {}
      secrets:
        description: Environment variables and the ARN of the secret that each is read from, with C(:KEY) behind it for one value of a JSON
          secret. Others are removed.
        type: dict
        default: {}
      schedules:
        description: Times at which the bounds of scaling change. Others are removed.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: What it is called.
            type: str
            required: true
          recurrence:
            description: When, in the form of cron and in UTC.
            type: str
            required: true
          part:
            description: Which part of the service it is for; for the reader.
            type: str
          min:
            description: At least so many instances from then on.
            type: int
            required: true
          max:
            description: At most so many instances from then on.
            type: int
            required: true
  platform:
    description: The solution stack without its version. The newest version is looked up when an environment is made.
    type: str
    default: 64bit Amazon Linux 2023 running Docker
  version_label:
    description: The version that the first environment of an application runs.
    type: str
  wait:
    description: Whether to wait until all serve, or have ended.
    type: bool
    default: false
  timeout:
    description: Seconds after which any wait is given up.
    type: int
    default: 2700
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Keep one instance without a load balancer
  little_service.factory.beanstalk_environment:
    application: orbit-ledger-staging
    version_label: placeholder-0a1b2c3d4e5f
    environments:
      - name: orbit-ledger-staging
        options:
          aws:elasticbeanstalk:environment: {EnvironmentType: SingleInstance}
          aws:elasticbeanstalk:command: {DeploymentPolicy: Immutable}
        secrets:
          DATABASE_PASSWORD: arn:aws:secretsmanager:us-west-2:123456789012:secret:orbit-ledger/staging/database-a1b2c3:password
"""

RETURN = r"""
environments:
  description: The environments that are declared present.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The name.
      type: str
    id:
      description: The id, by which logs and events are found.
      type: str
    cname:
      description: The name in DNS; empty for a worker.
      type: str
    status:
      description: What it is doing.
      type: str
    health:
      description: How it is.
      type: str
    version:
      description: The label of the version that it runs.
      type: str
"""

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.beanstalk_life import Environment


def await_end(module, environment):
    """Until it has ended; where Beanstalk gives up, say what holds it and what frees it."""

    def look():
        found = environment.find() or {"Status": "Terminated"}
        if found["Status"] == "Ready":
            because = " ".join(environment.causes(found)) or "Its events do not say why."
            raise declared.DeclarationError(
                f"The {environment} could not be ended: {because} {holders(module.client('ec2'), found)}".rstrip()
                + " When that is done, run this again."
            )
        return found["Status"] == "Terminated", found["Status"]

    module.wait_until(environment, look, module.params["timeout"])


def holders(ec2, found):
    """Rules of other security groups that name a group which Beanstalk made for the environment, and the commands that remove them."""
    own = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [f"awseb-{found['EnvironmentId']}-stack-*"]}])
    ids = [group["GroupId"] for group in own["SecurityGroups"]]
    told = []
    for direction, key, filter_name in (
        ("ingress", "IpPermissions", "ip-permission.group-id"),
        ("egress", "IpPermissionsEgress", "egress.ip-permission.group-id"),
    ):
        named = ec2.describe_security_groups(Filters=[{"Name": filter_name, "Values": ids}])["SecurityGroups"] if ids else []
        told += [
            f"The security group {group['GroupId']} ({group['GroupName']}) has a rule that names {pair['GroupId']}, which is to go. "
            f"Remove the rule: aws ec2 revoke-security-group-{direction} --group-id {group['GroupId']} "
            f"--ip-permissions '{rule_of(permission, pair)}'"
            for group in named
            if group["GroupId"] not in ids
            for permission in group[key]
            for pair in permission["UserIdGroupPairs"]
            if pair["GroupId"] in ids
        ]
    return " ".join(told)


def rule_of(permission, pair):
    """One rule in the AWS CLI's shorthand."""
    ports = "".join(f",{key}={permission[key]}" for key in ("FromPort", "ToPort") if key in permission)
    return f"IpProtocol={permission['IpProtocol']}{ports},UserIdGroupPairs=[{{GroupId={pair['GroupId']}}}]"


def described(environment):
    found = environment.found or {}
    return {
        "name": environment.name,
        "id": found.get("EnvironmentId", declared.KNOWN_AFTER_APPLY),
        "cname": found.get("CNAME", environment.cname if environment.wanted["tier"] == "WebServer" else ""),
        "status": found.get("Status", declared.KNOWN_AFTER_APPLY),
        "health": found.get("HealthStatus", declared.KNOWN_AFTER_APPLY),
        "version": found.get("VersionLabel", declared.KNOWN_AFTER_APPLY),
    }


SCHEDULE = {
    "name": {"type": "str", "required": True},
    "recurrence": {"type": "str", "required": True},
    "part": {"type": "str"},
    "min": {"type": "int", "required": True},
    "max": {"type": "int", "required": True},
}
ENVIRONMENT = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "tier": {"type": "str", "choices": ["WebServer", "Worker"], "default": "WebServer"},
    "cname_prefix": {"type": "str", "default": ""},
    "options": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": False},  # where they are, not what they are
    "schedules": {"type": "list", "elements": "dict", "default": [], "options": SCHEDULE},
}


def main():
    module = AwsModule(
        {
            "application": {"type": "str", "required": True},
            "environments": {"type": "list", "elements": "dict", "required": True, "options": ENVIRONMENT},
            "platform": {"type": "str", "default": "64bit Amazon Linux 2023 running Docker"},
            "version_label": {"type": "str"},
            "tags": {"type": "dict", "default": {}},
            "wait": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 2700},
        }
    )
    states = {state: [one for one in module.params["environments"] if one["state"] == state] for state in ("present", "absent")}
    kept, ended = ([Environment(module, one) for one in states[state]] for state in ("present", "absent"))
    steps = declared.carry_out(module, kept) + declared.carry_out(module, ended, present=False)
    if module.params["wait"] and not module.check_mode:
        going = [one for one in ended if one in [resource for resource, _ in steps] or (one.found or {}).get("Status") == "Terminating"]
        for environment in kept:
            with module.telling(environment):
                module.wait_until(environment, environment.look, module.params["timeout"])
        for environment in going:
            with module.telling(environment):
                await_end(module, environment)
    module.done(steps, environments=[described(environment) for environment in kept])


if __name__ == "__main__":
    main()
