# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module needs to know of a secret in AWS Secrets Manager; it is named to the module and never handed to it."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils import declared


def value(module: Any, name: str, key: str) -> str:
    """The value of a key of a secret that is a JSON object; it is kept out of whatever the module prints."""
    try:
        text = module.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except Exception as error:
        if declared.code_of(error) != "ResourceNotFoundException":
            raise
        raise declared.DeclarationError(f"There is no secret {name}. It is made by aws_up.yml, before what needs it.") from error
    try:
        found = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise declared.DeclarationError(
            f"The secret {name} is no JSON object with {key} in it. Put it right in the console, or remove the secret and run aws_up.yml."
        ) from error
    module.no_log_values.add(found)
    return found
