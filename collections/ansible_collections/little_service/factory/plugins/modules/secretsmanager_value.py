#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One secret whose value a person gives."""

DOCUMENTATION = r"""
---
module: secretsmanager_value
short_description: Keep one secret whose value a person gives
description:
  - Keeps a secret of Secrets Manager that is one value, or has it deleted. One that waits for its deletion is restored.
  - The value is compared and never shown, returned or written where it is the same.
  - "Not C(community.aws.secretsmanager_secret): that stumbles over a secret that waits for its deletion, and takes no file."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The name.
    type: str
    required: true
  state:
    description: C(absent) has it deleted, after O(recovery_days).
    type: str
    choices: [present, absent]
    default: present
  value:
    description: The value, of one line.
    type: str
  value_from:
    description: A file that holds the value; the line break at its end does not belong to it.
    type: path
  description:
    description: What it is for.
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
- name: Keep the key of a payment service
  little_service.factory.secretsmanager_value:
    name: orbit-ledger/production/env/STRIPE_KEY
    value_from: stripe.key
    tags: {"little-service:service": orbit-ledger}
"""

RETURN = r"""
arn:
  description: The secret's ARN.
  type: str
  returned: success
written:
  description: When its value was last written, on AWS's clock; empty where that is not known yet.
  type: str
  returned: success
"""

import pathlib

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.secret import Secret

# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
MOST_BYTES = 65536


class Value(Secret):
    """A secret that is one text. Whether it is the given one is all that is told of it."""

    def __init__(self, module, value):
        self._value, options = value, module.params
        super().__init__(module, options["name"], {"value_is_the_given_one": True, "description": options["description"]})

    def standing(self, text):
        return {"value_is_the_given_one": text == self._value}

    def completed(self, text):
        return self._value

    def written(self):
        """When the version that counts was made."""
        try:
            made = self._manager.get_secret_value(**self._me)["CreatedDate"]
        except (self._manager.exceptions.ResourceNotFoundException, self._manager.exceptions.InvalidRequestException):
            return ""
        return made.isoformat()


def given(options):
    """The value, as it is given; a message where it cannot be one."""
    value, file = options["value"], options["value_from"]
    if file:
        try:
            value = pathlib.Path(file).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise declared.DeclarationError(
                f"The value cannot be read from {file}: {getattr(error, 'strerror', None) or error}."
            ) from error
    place = f"in {file}" if file else "that was given"
    if not value:
        raise declared.DeclarationError(f"The value {place} is empty. To remove a secret, say state=absent.")
    if "\n" in value or "\r" in value or "\0" in value:
        # Beanstalk writes variables into .env, and Compose reads that line by line:
        # https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
        raise declared.DeclarationError(
            f"The value {place} has more than one line, which does not pass through the .env of the containers. Encode it: base64 -w0 FILE"
        )
    if (size := len(value.encode())) > MOST_BYTES:
        raise declared.DeclarationError(f"The value {place} has {size} bytes, and Secrets Manager takes {MOST_BYTES}.")
    return value


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "value": {"type": "str", "no_log": True},
            "value_from": {"type": "path"},
            "description": {"type": "str", "default": ""},
            "recovery_days": {"type": "int", "default": 7},
            "tags": {"type": "dict", "default": {}},
        },
        mutually_exclusive=[("value", "value_from")],
    )
    present = module.params["state"] == "present"
    with module.telling(f"secret {module.params['name']}"):
        value = given(module.params) if present else ""
    if value:
        module.no_log_values.add(value)
    secret = Value(module, value)
    steps = declared.carry_out(module, [secret], present=present)
    with module.telling(secret):
        written = secret.written() if present else ""
    module.done(steps, arn=secret.arn, written=written)


if __name__ == "__main__":
    main()
