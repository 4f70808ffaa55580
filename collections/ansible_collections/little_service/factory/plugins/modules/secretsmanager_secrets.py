#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets."""

DOCUMENTATION = r"""
---
module: secretsmanager_secrets
short_description: Keep secrets of Secrets Manager as declared
description:
  - Each secret is a JSON object of keys and values. Keys that are to be random are made once and never shown, changed or returned.
  - A secret that waits for its deletion is restored with what it held.
  - "Not C(community.aws.secretsmanager_secret): that is handed the secret's text, and stumbles over one that waits for its deletion."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  state:
    description: C(absent) has the secrets deleted, after O(recovery_days).
    type: str
    choices: [present, absent]
    default: present
  secrets:
    description: The secrets.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name.
        type: str
        required: true
      description:
        description: What it is for; left as it is without it.
        type: str
      generate:
        description: Keys whose values are made at random where they are missing, each with its number of letters and digits.
        type: dict
        default: {}
      initial:
        description: Values that are set where the key is missing, and then left alone. No secrets, they are shown.
        type: dict
        default: {}
      values:
        description: Values that are kept as declared. No secrets, they are shown.
        type: dict
        default: {}
      compose:
        description: Keys whose values are made of others, as in C(rediss://:{token}@{host}:{port}/0).
        type: dict
        default: {}
  list_prefix:
    description: Also tells of all secrets whose names begin so, whoever made them.
    type: str
    default: ""
  recovery_days:
    description: Days in which a deleted secret can be restored, 7 to 30; 0 deletes at once.
    type: int
    default: 7
  tags:
    description: Tags to set; others are left alone.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Keep the database's password
  little_service.factory.secretsmanager_secrets:
    secrets:
      - name: orbit-ledger/production/database
        generate: {password: 40}
        initial: {username: app, host: not-yet-known.invalid}
    tags: {"little-service:service": orbit-ledger}
"""

RETURN = r"""
arns:
  description: The ARN of each secret by its name. It ends with letters that Secrets Manager adds.
  type: dict
  returned: success
listed:
  description: The ARN of each secret whose name begins with O(list_prefix), by its name.
  type: dict
  returned: success
"""

import json
import secrets
import string

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

# What RDS and ElastiCache take in any place, and nobody has to quote.
CHARACTERS = string.ascii_letters + string.digits


class Secret(declared.Resource):
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html"""

    kind = "secret"
    taken = frozenset({"ResourceExistsException"})

    def __init__(self, module, secret):
        self._manager, self._secret, self._me = module.client("secretsmanager"), secret, {"SecretId": secret["name"]}
        self._present = module.params["state"] == "present"
        self._recovery_days = module.params["recovery_days"]
        self.arn = declared.KNOWN_AFTER_APPLY
        wanted = {
            "deleted": False,
            "keys": sorted([*secret["generate"], *secret["initial"]]),
            "values": {key: str(value) for key, value in secret["values"].items()},
            "composed": sorted(secret["compose"]),
            "tags": module.params["tags"],
        }
        if secret["description"] is not None:
            wanted["description"] = secret["description"]
        super().__init__(secret["name"], wanted)

    def read(self):
        try:
            found = self._manager.describe_secret(**self._me)
        except self._manager.exceptions.ResourceNotFoundException:
            return None
        self.arn, deleted = found["ARN"], "DeletedDate" in found
        if deleted and not self._present:
            return None  # it goes by itself
        stored = {} if deleted else self._stored()
        return {
            "deleted": deleted,
            "description": found.get("Description", ""),
            **standing(self._secret, stored),
            "tags": tag_dict(found.get("Tags", [])),
        }

    def _stored(self):
        """What it holds; nothing where it was made and not filled."""
        try:
            return json.loads(self._manager.get_secret_value(**self._me)["SecretString"])
        except self._manager.exceptions.ResourceNotFoundException:
            return {}

    def create(self):
        text = json.dumps(completed(self._secret, {}))
        given = {"Description": self.wanted["description"]} if "description" in self.wanted else {}
        answer = self._manager.create_secret(Name=self.name, SecretString=text, Tags=tag_list(self.wanted["tags"]), **given)
        self.arn = answer["ARN"]

    def update(self, step):
        if "deleted" in step.changes:
            self._manager.restore_secret(**self._me)
        if set(step.changes) & {"deleted", "keys", "values", "composed"}:
            stored = self._stored()
            wanted = completed(self._secret, stored)
            if wanted != stored:
                self._manager.put_secret_value(SecretString=json.dumps(wanted), **self._me)
        if "description" in step.changes:
            self._manager.update_secret(Description=self.wanted["description"], **self._me)
        if "tags" in step.changes:
            self._manager.tag_resource(Tags=tag_list(step.after["tags"]), **self._me)

    def delete(self):
        """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html"""
        days = self._recovery_days
        how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        self._manager.delete_secret(**self._me, **how)


def standing(secret, stored):
    """Of what a secret holds, as much as may be shown: which keys there are, and the values that are no secrets."""
    return {
        "keys": sorted(key for key in (*secret["generate"], *secret["initial"]) if stored.get(key)),
        "values": {key: stored.get(key) for key in secret["values"]},
        "composed": sorted(key for key, text in secret["compose"].items() if key in stored and stored[key] == made_of(text, stored)),
    }


def completed(secret, stored):
    """What the secret is to hold: what it holds, what is missing, and what is declared."""
    wanted = dict(stored)
    for key, length in secret["generate"].items():
        if not wanted.get(key):
            wanted[key] = "".join(secrets.choice(CHARACTERS) for _ in range(int(length)))
    for key, value in secret["initial"].items():
        if not wanted.get(key):
            wanted[key] = str(value)
    wanted |= {key: str(value) for key, value in secret["values"].items()}
    for key, text in secret["compose"].items():
        wanted[key] = made_of(text, wanted)
    return wanted


def made_of(text, stored):
    """The text with each ``{key}`` replaced by that key's value; empty where one is missing."""
    try:
        return text.format_map(stored)
    except KeyError:
        return ""


def standing_with(module, prefix):
    """The secrets of a prefix. The filter matches case and all that begins so: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html"""
    pages = module.client("secretsmanager").get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [prefix]}])
    return {one["Name"]: one["ARN"] for page in pages for one in page["SecretList"] if one["Name"].startswith(prefix)}


SECRET = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str"},
    "generate": {"type": "dict", "default": {}},
    "initial": {"type": "dict", "default": {}},
    "values": {"type": "dict", "default": {}},
    "compose": {"type": "dict", "default": {}},
}


def main():
    module = AwsModule(
        {
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "secrets": {"type": "list", "elements": "dict", "required": True, "options": SECRET, "no_log": False},
            "list_prefix": {"type": "str", "default": ""},
            "recovery_days": {"type": "int", "default": 7},
            "tags": {"type": "dict", "default": {}},
        }
    )
    kept = [Secret(module, secret) for secret in module.params["secrets"]]
    steps = declared.carry_out(module, kept, present=module.params["state"] == "present")
    with module.telling("secrets"):
        listed = standing_with(module, module.params["list_prefix"]) if module.params["list_prefix"] else {}
    module.done(steps, arns={secret.name: secret.arn for secret in kept}, listed=listed)


if __name__ == "__main__":
    main()
