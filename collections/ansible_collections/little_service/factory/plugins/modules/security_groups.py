#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Security groups that name each other."""

DOCUMENTATION = r"""
---
module: security_groups
short_description: Keep security groups and their rules as declared
description:
  - Makes the groups of a list, whose rules may name each other, and keeps their rules and tags; or removes them.
  - The rules that are declared are the only ones. One that somebody added by hand is taken away.
  - "Not C(amazon.aws.ec2_security_group): in check mode it fails where a rule names a group that does not exist yet, it must be called once
    for each group, and it leaves a group that another one names to be taken apart by hand."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  vpc_id:
    description: The network that they are in.
    type: str
    required: true
  state:
    description: C(absent) removes the groups.
    type: str
    choices: [present, absent]
    default: present
  groups:
    description: The groups; a group whose rules name another one is made after it.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The group's name.
        type: str
        required: true
      description:
        description: What it is for. AWS does not let it change.
        type: str
        required: true
      ingress:
        description:
          - What comes in, such as C(tcp 443 from 0.0.0.0/0), C(tcp 8000-8010 from NAME) or C(all from NAME).
          - C(NAME) is a group of the list, or the identifier of another group or of a prefix list.
        type: list
        elements: str
        default: []
      egress:
        description: What goes out, such as C(tcp 443 to 0.0.0.0/0).
        type: list
        elements: str
        default: ["all to 0.0.0.0/0"]
  timeout:
    description: Seconds to wait for what still uses a group that is to be removed.
    type: int
    default: 600
  tags:
    description: Tags to set on each group; others are left alone.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Let the web reach the database, and nothing else
  little_service.factory.security_groups:
    vpc_id: vpc-0123456789abcdef0
    groups:
      - {name: orbit-ledger-web, description: The web, ingress: ["tcp 80 from 0.0.0.0/0"]}
      - {name: orbit-ledger-database, description: The database, ingress: ["tcp 3306 from orbit-ledger-web"], egress: []}
    tags: {"little-service:service": orbit-ledger}
"""

RETURN = r"""
ids:
  description: The groups' identifiers by their names.
  type: dict
  returned: success
"""

import graphlib

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.rules import EVERYTHING, as_permission, canonical, peer_of, rules_of


class Group(declared.Resource):
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html"""

    kind = "security group"
    fixed = frozenset({"description"})
    taken = frozenset({"InvalidGroup.Duplicate", "InvalidPermission.Duplicate", "InvalidPermission.NotFound"})

    def __init__(self, module, ids, options):
        self._module, self._ec2, self._ids = module, module.client("ec2"), ids
        self._vpc = module.params["vpc_id"]
        ways = {"ingress": "from", "egress": "to"}
        rules = {key: sorted({canonical(rule, way) for rule in options[key]}) for key, way in ways.items()}
        super().__init__(options["name"], {"description": options["description"], **rules, "tags": module.params["tags"]})
        self._standing = {}

    @property
    def id(self):
        return self._ids[self.name]

    def read(self):
        self._ids[self.name] = declared.KNOWN_AFTER_APPLY
        if self._vpc == declared.KNOWN_AFTER_APPLY:
            return None
        asked = [{"Name": "vpc-id", "Values": [self._vpc]}, {"Name": "group-name", "Values": [self.name]}]
        found = self._ec2.describe_security_groups(Filters=asked)["SecurityGroups"]
        if not found:
            return None
        self._ids[self.name] = found[0]["GroupId"]
        names = {identifier: name for name, identifier in self._ids.items()}
        self._standing = {
            "ingress": rules_of(found[0]["IpPermissions"], "from", names),
            "egress": rules_of(found[0]["IpPermissionsEgress"], "to", names),
        }
        return {
            "description": found[0]["Description"],
            **{way: sorted(rules) for way, rules in self._standing.items()},
            "tags": tag_dict(found[0].get("Tags", [])),
        }

    def create(self):
        kind = [{"ResourceType": "security-group", "Tags": tag_list(self.wanted["tags"])}]
        words = {"GroupName": self.name, "Description": self.wanted["description"], "VpcId": self._vpc}
        made = self._module.patiently(self._ec2.create_security_group, "InvalidVpcID.NotFound", TagSpecifications=kind, **words)
        self._ids[self.name] = made["GroupId"]
        # A new group lets everything out: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
        self._standing = {"ingress": {}, "egress": {EVERYTHING: as_permission(EVERYTHING, self._ids)}}
        self._set_rules("ingress")
        self._set_rules("egress")

    def update(self, step):
        for way in sorted({"ingress", "egress"} & set(step.changes)):
            self._set_rules(way)
        if "tags" in step.changes:
            self._ec2.create_tags(Resources=[self.id], Tags=tag_list(step.after["tags"]))

    def _set_rules(self, way):
        """What is missing is let in before what is too much is shut out."""
        wanted, standing = set(self.wanted[way]), self._standing[way]
        missing = [as_permission(rule, self._ids) for rule in sorted(wanted - set(standing))]
        surplus = [permission for rule, permission in sorted(standing.items()) if rule not in wanted]
        for verb, permissions in (("authorize", missing), ("revoke", surplus)):
            if permissions:
                ask = getattr(self._ec2, f"{verb}_security_group_{way}")
                self._module.patiently(ask, "InvalidGroup.NotFound", GroupId=self.id, IpPermissions=permissions)

    def delete(self):
        for way, filter_name in (("ingress", "ip-permission.group-id"), ("egress", "egress.ip-permission.group-id")):
            for other in self._ec2.describe_security_groups(Filters=[{"Name": filter_name, "Values": [self.id]}])["SecurityGroups"]:
                if not declared.is_ours(self.wanted, {"tags": tag_dict(other.get("Tags", []))}):
                    raise declared.DeclarationError(
                        f"The {self} stays as long as rules of {other['GroupId']} ({other['GroupName']}), which is somebody else's, name "
                        f"{self.id}. Remove these, and run this again: aws ec2 describe-security-group-rules "
                        f"--filters Name=group-id,Values={other['GroupId']} --region {self._ec2.meta.region_name}"
                    )
                self._unname(other, way)
        self._module.wait_until(self, self._gone, self._module.params["timeout"])

    def _unname(self, other, way):
        """Take the rules away that name this group: as long as one does, it stays."""
        permissions = other["IpPermissions" if way == "ingress" else "IpPermissionsEgress"]
        naming = [one for rule, one in rules_of(permissions, "from", {}).items() if peer_of(rule) == self.id]
        if naming:
            getattr(self._ec2, f"revoke_security_group_{way}")(GroupId=other["GroupId"], IpPermissions=naming)

    def _gone(self):
        try:
            self._ec2.delete_security_group(GroupId=self.id)
        except self._ec2.exceptions.ClientError as error:
            if declared.code_of(error) != "DependencyViolation":
                raise
            return False, f"in use ({error.response['Error']['Message']})"
        return True, "deleted"


def ordered(groups):
    """The groups, each after those that its rules name. Pure."""
    names = {group["name"] for group in groups}
    named = {one["name"]: {peer_of(rule) for rule in (*one["ingress"], *one["egress"])} & names - {one["name"]} for one in groups}
    try:
        order = list(graphlib.TopologicalSorter(named).static_order())
    except graphlib.CycleError as error:
        raise declared.DeclarationError(f"The rules of these groups name each other in a circle: {', '.join(error.args[1])}.") from None
    return sorted(groups, key=lambda group: order.index(group["name"]))


def main():
    group = {
        "name": {"type": "str", "required": True},
        "description": {"type": "str", "required": True},
        "ingress": {"type": "list", "elements": "str", "default": []},
        "egress": {"type": "list", "elements": "str", "default": [EVERYTHING]},
    }
    module = AwsModule(
        {
            "vpc_id": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "groups": {"type": "list", "elements": "dict", "required": True, "options": group},
            "timeout": {"type": "int", "default": 600},
            "tags": {"type": "dict", "default": {}},
        }
    )
    ids = {}
    with module.telling("security groups"):
        groups = [Group(module, ids, options) for options in ordered(module.params["groups"])]
    steps = declared.carry_out(module, groups, present=module.params["state"] == "present")
    module.done(steps, ids=ids)


if __name__ == "__main__":
    main()
