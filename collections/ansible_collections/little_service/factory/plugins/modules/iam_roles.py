#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Roles of IAM."""

DOCUMENTATION = r"""
---
module: iam_roles
short_description: Keep roles of IAM as declared
description:
  - Makes each role with its trust, policies, instance profile and tags, keeps them, or removes them with all that hangs on them.
  - Policies that somebody else attached to a role of ours, or put into it, are taken away.
  - "Not C(amazon.aws.iam_role): that takes one role a task and returns no ARN in check mode."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  state:
    description: C(absent) removes the roles.
    type: str
    choices: [present, absent]
    default: present
  path:
    description: The path of all of them.
    type: str
    default: /
  roles:
    description: The roles.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name.
        type: str
        required: true
      description:
        description: What it is for.
        type: str
        default: ""
      service:
        description: The service that may assume it, such as C(codebuild.amazonaws.com).
        type: str
        required: true
      policies:
        description: Documents of policies, by the names that they have in the role.
        type: dict
        default: {}
      managed_policies:
        description: ARNs of managed policies.
        type: list
        elements: str
        default: []
      instance_profile:
        description: Whether instances are given it, by a profile of its name.
        type: bool
        default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Keep the role of builds
  little_service.factory.iam_roles:
    path: /little-service/
    roles:
      - name: orbit-ledger-production-us-west-2-build
        service: codebuild.amazonaws.com
        policies:
          log: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["logs:PutLogEvents"], Resource: ["arn:aws:logs:*:*:*"]}]}
"""

RETURN = r""" # """

import json

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.policies import canonical


def trust(service):
    """Who may assume the role: one service of AWS."""
    return canonical(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
        }
    )


class Role(declared.Resource):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html"""

    kind = "role"
    fixed = frozenset({"path"})
    taken = frozenset({"EntityAlreadyExists", "NoSuchEntity"})

    def __init__(self, module, role):
        self._iam, self._me = module.client("iam"), {"RoleName": role["name"]}
        wanted = {
            "path": module.params["path"],
            "description": role["description"],
            "trust": trust(role["service"]),
            "policies": {name: canonical(document) for name, document in role["policies"].items()},
            "managed_policies": sorted(role["managed_policies"]),
            "tags": module.params["tags"],
        }
        super().__init__(role["name"], wanted)

    def read(self):
        try:
            found = self._iam.get_role(**self._me)["Role"]
        except self._iam.exceptions.NoSuchEntityException:
            return None
        names = [name for page in self._pages("list_role_policies") for name in page["PolicyNames"]]
        attached = [one["PolicyArn"] for page in self._pages("list_attached_role_policies") for one in page["AttachedPolicies"]]
        return {
            "path": found["Path"],
            "description": found.get("Description", ""),
            "trust": canonical(found["AssumeRolePolicyDocument"]),
            "policies": {name: canonical(self._iam.get_role_policy(PolicyName=name, **self._me)["PolicyDocument"]) for name in names},
            "managed_policies": sorted(attached),
            "tags": tag_dict(found.get("Tags", [])),
        }

    def _pages(self, operation):
        return self._iam.get_paginator(operation).paginate(**self._me)

    def create(self):
        self._iam.create_role(
            Path=self.wanted["path"],
            Description=self.wanted["description"],
            AssumeRolePolicyDocument=json.dumps(self.wanted["trust"]),
            Tags=tag_list(self.wanted["tags"]),
            **self._me,
        )
        self._set_policies({}, self.wanted["policies"])
        self._set_managed_policies([], self.wanted["managed_policies"])

    def update(self, step):
        for key in step.changes:
            getattr(self, f"_set_{key}")(step.before[key], step.after[key])

    def _set_description(self, _before, after):
        self._iam.update_role(Description=after, **self._me)

    def _set_trust(self, _before, after):
        self._iam.update_assume_role_policy(PolicyDocument=json.dumps(after), **self._me)

    def _set_tags(self, _before, after):
        self._iam.tag_role(Tags=tag_list(after), **self._me)

    def _set_policies(self, before, after):
        for name in sorted(set(before) - set(after)):
            self._iam.delete_role_policy(PolicyName=name, **self._me)
        for name, document in after.items():
            if before.get(name) != document:
                self._iam.put_role_policy(PolicyName=name, PolicyDocument=json.dumps(document), **self._me)

    def _set_managed_policies(self, before, after):
        for arn in sorted(set(after) - set(before)):
            self._iam.attach_role_policy(PolicyArn=arn, **self._me)
        for arn in sorted(set(before) - set(after)):
            self._iam.detach_role_policy(PolicyArn=arn, **self._me)

    def delete(self):
        """A role goes only when nothing hangs on it: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html"""
        found = self.read()
        for page in self._pages("list_instance_profiles_for_role"):
            for profile in page["InstanceProfiles"]:
                self._iam.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], **self._me)
        self._set_policies(found["policies"], {})
        self._set_managed_policies(found["managed_policies"], [])
        self._iam.delete_role(**self._me)


class InstanceProfile(declared.Resource):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_InstanceProfile.html"""

    kind = "instance profile"
    fixed = frozenset({"path"})
    taken = frozenset({"EntityAlreadyExists", "NoSuchEntity", "LimitExceeded"})  # of roles, a profile holds one

    def __init__(self, module, name):
        self._module, self._iam, self._me = module, module.client("iam"), {"InstanceProfileName": name}
        super().__init__(name, {"path": module.params["path"], "roles": [name], "tags": module.params["tags"]})

    def read(self):
        try:
            found = self._iam.get_instance_profile(**self._me)["InstanceProfile"]
        except self._iam.exceptions.NoSuchEntityException:
            return None
        return {
            "path": found["Path"],
            "roles": [role["RoleName"] for role in found["Roles"]],
            "tags": tag_dict(found.get("Tags", [])),
        }

    def create(self):
        self._iam.create_instance_profile(Path=self.wanted["path"], Tags=tag_list(self.wanted["tags"]), **self._me)
        self._set_roles([], self.wanted["roles"])

    def update(self, step):
        if "roles" in step.changes:
            self._set_roles(step.before["roles"], self.wanted["roles"])
        if "tags" in step.changes:
            self._iam.tag_instance_profile(Tags=tag_list(step.after["tags"]), **self._me)

    def _set_roles(self, before, after):
        for name in set(before) - set(after):
            self._iam.remove_role_from_instance_profile(RoleName=name, **self._me)
        for name in set(after) - set(before):
            self._module.patiently(self._iam.add_role_to_instance_profile, "NoSuchEntity", RoleName=name, **self._me)

    def delete(self):
        self._set_roles(self.read()["roles"], [])
        self._iam.delete_instance_profile(**self._me)


ROLE = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str", "default": ""},
    "service": {"type": "str", "required": True},
    "policies": {"type": "dict", "default": {}},
    "managed_policies": {"type": "list", "elements": "str", "default": []},
    "instance_profile": {"type": "bool", "default": False},
}


def main():
    module = AwsModule(
        {
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "path": {"type": "str", "default": "/"},
            "roles": {"type": "list", "elements": "dict", "required": True, "options": ROLE},
            "tags": {"type": "dict", "default": {}},
        }
    )
    resources = []
    for role in module.params["roles"]:
        resources.append(Role(module, role))
        if role["instance_profile"]:
            resources.append(InstanceProfile(module, role["name"]))
    module.done(declared.carry_out(module, resources, present=module.params["state"] == "present"))


if __name__ == "__main__":
    main()
