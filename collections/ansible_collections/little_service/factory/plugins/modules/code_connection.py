#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection to GitHub."""

DOCUMENTATION = r"""
---
module: code_connection
short_description: Keep a connection of AWS to GitHub
description:
  - Makes the connection, keeps its tags, or removes it.
  - AWS makes it C(PENDING). Only a person can complete it, at the address that is returned; until then no pipeline can fetch from it.
  - There is no other module for it.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The connection's name, of at most 32 characters.
    type: str
    required: true
  state:
    description: C(absent) removes the connection.
    type: str
    choices: [present, absent]
    default: present
  provider:
    description: Whose repositories it connects to.
    type: str
    choices: [GitHub, GitLab, Bitbucket]
    default: GitHub
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Keep a connection to GitHub
  little_service.factory.code_connection:
    name: little-service-production
    tags: {"little-service:service": shared}
"""

RETURN = r"""
arn:
  description: The connection's ARN.
  type: str
  returned: success
status:
  description: C(PENDING), C(AVAILABLE) or C(ERROR).
  type: str
  returned: success
url:
  description: Where a person completes it.
  type: str
  returned: success
"""

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule


class Connection(declared.Resource):
    """https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_Connection.html"""

    kind = "connection"
    fixed = frozenset({"provider"})

    def __init__(self, module):
        self._module, self._client = module, module.client("codeconnections")
        self.arn, self.status, self._all = declared.KNOWN_AFTER_APPLY, "PENDING", []
        super().__init__(module.params["name"], {"provider": module.params["provider"], "tags": module.params["tags"]})

    def read(self):
        """Of several of one name the one that a person completed."""
        self._all = [one for one in self._listed() if one["ConnectionName"] == self.name]
        if not self._all:
            return None
        found = min(self._all, key=lambda one: (one["ConnectionStatus"] != "AVAILABLE", one["ConnectionArn"]))
        self.arn, self.status = found["ConnectionArn"], found["ConnectionStatus"]
        return {"provider": found["ProviderType"], "tags": self._tags(self.arn)}

    def _listed(self):
        """boto3 has no paginator for it."""
        following = {}
        while following is not None:
            page = self._client.list_connections(MaxResults=100, **following)
            yield from page["Connections"]
            following = {"NextToken": page["NextToken"]} if page.get("NextToken") else None

    def _tags(self, arn):
        return tag_dict(self._client.list_tags_for_resource(ResourceArn=arn)["Tags"])

    def create(self):
        made = {"ConnectionName": self.name, "ProviderType": self.wanted["provider"], "Tags": tag_list(self.wanted["tags"])}
        self._module.once("codeconnections", "create_connection", self.read, **made)
        self.read()

    def update(self, step):
        self._client.tag_resource(ResourceArn=self.arn, Tags=tag_list(step.after["tags"]))

    def delete(self):
        for one in self._all:
            if declared.is_ours(self.wanted, {"tags": self._tags(one["ConnectionArn"])}):
                self._client.delete_connection(ConnectionArn=one["ConnectionArn"])


def console(arn):
    """The page of a connection: https://docs.aws.amazon.com/dtconsole/latest/userguide/connections-update.html leads there by hand."""
    if arn == declared.KNOWN_AFTER_APPLY:
        return arn
    _, _, _, region, account, resource = arn.split(":", 5)
    page = f"codesuite/settings/{account}/{region}/codeconnections/connections/{resource.removeprefix('connection/')}"
    return f"https://{region}.console.aws.amazon.com/{page}"


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "provider": {"type": "str", "choices": ["GitHub", "GitLab", "Bitbucket"], "default": "GitHub"},
            "tags": {"type": "dict", "default": {}},
        }
    )
    connection = Connection(module)
    steps = declared.carry_out(module, [connection], present=module.params["state"] == "present")
    module.done(steps, arn=connection.arn, status=connection.status, url=console(connection.arn))


if __name__ == "__main__":
    main()
