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
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
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

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.secret import Secret

# What RDS and ElastiCache take in any place, and nobody has to quote.
CHARACTERS = string.ascii_letters + string.digits


class Keys(Secret):
    """A secret that is a JSON object."""

    def __init__(self, module, secret):
        self._secret = secret
        wanted = {
            "keys": sorted([*secret["generate"], *secret["initial"]]),
            "values": {key: str(value) for key, value in secret["values"].items()},
            "composed": sorted(secret["compose"]),
        }
        if secret["description"] is not None:
            wanted["description"] = secret["description"]
        super().__init__(module, secret["name"], wanted)

    def standing(self, text):
        return standing(self._secret, json.loads(text or "{}"))

    def completed(self, text):
        return json.dumps(completed(self._secret, json.loads(text or "{}")))


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
    kept = [Keys(module, secret) for secret in module.params["secrets"]]
    steps = declared.carry_out(module, kept, present=module.params["state"] == "present")
    with module.telling("secrets"):
        listed = standing_with(module, module.params["list_prefix"]) if module.params["list_prefix"] else {}
    module.done(steps, arns={secret.name: secret.arn for secret in kept}, listed=listed)


if __name__ == "__main__":
    main()
