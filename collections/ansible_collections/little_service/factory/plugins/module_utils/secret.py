# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets of AWS Secrets Manager: kept, restored and removed; or read by a module to which the secret is named and never handed."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared


class Secret(declared.Resource):
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html

    What is in it is the business of the class below: which properties of the text are compared, and what the text is to be.
    """

    kind = "secret"
    taken = frozenset({"ResourceExistsException"})

    def __init__(self, module: Any, name: str, wanted: dict[str, Any]) -> None:
        self._manager, self._me = module.client("secretsmanager"), {"SecretId": name}
        self._present, self._recovery_days = module.params["state"] == "present", module.params["recovery_days"]
        self.arn = declared.KNOWN_AFTER_APPLY
        super().__init__(name, {"deleted": False, **wanted, "tags": module.params["tags"]})

    def standing(self, text: str | None) -> declared.Properties:
        """What may be shown of what it holds; of None where it holds nothing."""
        raise NotImplementedError

    def completed(self, text: str | None) -> str:
        """What it is to hold, from what it holds."""
        raise NotImplementedError

    def read(self) -> declared.Properties | None:
        try:
            found = self._manager.describe_secret(**self._me)
        except self._manager.exceptions.ResourceNotFoundException:
            return None
        self.arn, deleted = found["ARN"], "DeletedDate" in found
        if deleted and not self._present:
            return None  # it goes by itself
        return {
            "deleted": deleted,
            "description": found.get("Description", ""),
            **(self.standing(None if deleted else self._text()) if self._present else {}),
            "tags": tag_dict(found.get("Tags", [])),
        }

    def _text(self) -> str | None:
        """What it holds; None where it was made and not filled."""
        try:
            return self._manager.get_secret_value(**self._me)["SecretString"]
        except self._manager.exceptions.ResourceNotFoundException:
            return None

    def create(self) -> None:
        given = {"Description": self.wanted["description"]} if "description" in self.wanted else {}
        tags = tag_list(self.wanted["tags"])
        self.arn = self._manager.create_secret(Name=self.name, SecretString=self.completed(None), Tags=tags, **given)["ARN"]

    def update(self, step: declared.Step) -> None:
        if "deleted" in step.changes:
            self._manager.restore_secret(**self._me)
        if set(step.changes) - {"description", "tags"}:
            stored = self._text()
            if (wanted := self.completed(stored)) != stored:
                self._manager.put_secret_value(SecretString=wanted, **self._me)
        if "description" in step.changes:
            self._manager.update_secret(Description=self.wanted["description"], **self._me)
        if "tags" in step.changes:
            self._manager.tag_resource(Tags=tag_list(step.after["tags"]), **self._me)

    def delete(self) -> None:
        """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html"""
        days = self._recovery_days
        how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        self._manager.delete_secret(**self._me, **how)


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
