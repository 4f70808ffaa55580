# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell in which environments a service stands on AWS. Documented in modules/service_standing.py."""

from __future__ import annotations

import json
import pathlib
import urllib.error
import urllib.request

import boto3
import botocore.exceptions
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.little_service.factory.plugins.module_utils.declared import SERVICE_TAG
from ansible_collections.little_service.factory.plugins.plugin_utils import registry

ACCOUNTS = ("staging", "production")
SANDBOX = "little-service-sandbox"  # how a sandbox of ours names itself
PATIENCE = 60.0  # seconds: the sandbox looks through all its services


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("name", "inventories", "sandbox_url"))

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        name, url = self._task.args["name"], self._task.args["sandbox_url"].rstrip("/")
        try:
            found = _declared(pathlib.Path(self._task.args["inventories"]), name)
            in_sandbox = _tagged(url, name) if _is_ours(url) else []
        except registry.RegistryError as error:
            raise AnsibleActionFail(str(error)) from None
        except (OSError, ValueError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise AnsibleActionFail(f"The sandbox at {url} does not tell what stands in it: {error}. Type: bin/sandbox status") from None
        if in_sandbox:
            found["sandbox"] = in_sandbox
        result.update(changed=False, standing=[_words(name, environment, what) for environment, what in found.items()])
        return result


def _words(name: str, environment: str, what: list[str]) -> str:
    shown = ", ".join(what[:5]) + (f" and {len(what) - 5} more" if len(what) > 5 else "")
    return (
        f"In {environment} it stands on AWS ({shown}). "
        f"Type: ansible-playbook -i inventories/{environment} aws_down.yml -e name={name} -e confirm={name} -e scope=all"
    )


def _declared(inventories: pathlib.Path, name: str) -> dict[str, list[str]]:
    """The accounts that have not been told to be without it: what nobody has taken down may stand."""
    found = {}
    for environment in ACCOUNTS:
        file = inventories / environment / f"{name}.yml"
        state = registry.hosts(file).get(name, {}).get("service_state", "present") if file.is_file() else "absent"
        if state != "absent":
            found[environment] = [f"service_state: {state} in {file}"]
    return found


def _is_ours(url: str) -> bool:
    """Whether a sandbox of ours runs there. One that does not run holds nothing; another's is left alone."""
    try:
        said = _answer(f"{url}/_sandbox/health")
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError) or isinstance(error, urllib.error.HTTPError):
            return False
        raise
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("name") == SANDBOX


def _answer(url: str) -> object:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=PATIENCE) as answer:
        return json.load(answer)


def _tagged(url: str, name: str) -> list[str]:
    """The resources with the service's tag, in every account and region in which anything stands."""
    places = {(one["account"], "us-east-1" if one["region"] == "global" else one["region"]) for one in _answer(f"{url}/_sandbox/resources")}
    # Twelve digits are the administrator of that account, and no signature is checked: docs/sandbox.md.
    secret = "not-checked-by-the-sandbox"  # noqa: S105
    found: list[str] = []
    for account, region in sorted(places):
        keys = {"aws_access_key_id": account, "aws_secret_access_key": secret}
        client = boto3.client("resourcegroupstaggingapi", endpoint_url=url, region_name=region, **keys)
        for page in client.get_paginator("get_resources").paginate(TagFilters=[{"Key": SERVICE_TAG, "Values": [name]}]):
            found += [resource["ResourceARN"] for resource in page["ResourceTagMappingList"]]
    return sorted(set(found))
