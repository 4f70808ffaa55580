# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All services in all environments, from the inventories and from the status pages that were written of them."""

from __future__ import annotations

DOCUMENTATION = """
name: overview
short_description: Tell of all services in all environments how they were when last looked at
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
description:
  - Takes the services from the inventories, so that one that was never looked at is not forgotten, and one that was removed is not shown.
  - Takes what is known of each from its status page, which holds its report as JSON. Nothing is asked of AWS.
  - Says of those whose repository is on this machine how far they are behind the template.
options:
  _terms:
    description: The folder of the pages.
    type: path
    required: true
  inventories:
    description: The folder of the inventories.
    type: path
    required: true
  root:
    description: The folder of the repository that holds the template.
    type: path
    required: true
"""

EXAMPLES = """
- name: Say of which services nothing is known
  ansible.builtin.debug:
    msg: "{{ known | selectattr('page', 'equalto', '') | map(attribute='service') }}"
  vars:
    known: "{{ query('little_service.factory.overview', 'reports/status', inventories='inventories', root='.') }}"
"""

RETURN = """
_raw:
  description:
    - One dictionary for each service in each environment, by service.
    - C(service), C(environment) and C(declared), its state in the inventory.
    - C(page), the address of its page below the folder, and C(report), what the page holds; both empty where it was never looked at.
    - C(health) in words, and C(behind), how far it is behind the template; empty where that is not known.
  type: list
  elements: dict
"""

import functools
import json
import pathlib
import re

from ansible.plugins.lookup import LookupBase
from ansible_collections.little_service.factory.plugins.plugin_utils import git, registry, repository, template

REPORT = re.compile(r'<script type="application/json">(.*?)</script>', re.DOTALL)


class LookupModule(LookupBase):
    """Ansible's entry point."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        pages, inventories, root = (pathlib.Path(path) for path in (terms[0], self.get_option("inventories"), self.get_option("root")))
        here = registry.places(inventories)
        behind = functools.cache(functools.partial(_between, root, template.today(root)))
        found = [
            (name, environment, facts.get("service_state", "absent"))
            for environment in registry.ENVIRONMENTS
            for file in sorted((inventories / environment).glob("[!._]*.yml"))
            if file.name != "hosts.yml"
            for name, facts in registry.hosts(file).items()
        ]
        return [
            {
                "service": name,
                "environment": environment,
                "declared": state,
                **_seen(pages, f"{environment}/{name}.html"),
                "behind": behind(_version(here[name].path)) if name in here else "",
            }
            for name, environment, state in sorted(found, key=lambda one: (one[0], registry.ENVIRONMENTS.index(one[1])))
        ]


def _seen(pages, page):
    """What the page of a service says."""
    try:
        report = json.loads(REPORT.search((pages / page).read_text(encoding="utf-8"))[1])
    except (OSError, ValueError, TypeError):  # none, one that is being written, or one of an earlier version
        return {"page": "", "report": {}, "health": ""}
    bad = [f"{part['part']} {part['state']}" for part in report["parts"] if part["condition"] == "bad"]
    web = [part.get("health", part["state"]) for part in report["parts"] if part["part"] == "web"]
    return {"page": page, "report": report, "health": ", ".join(bad or web)}


def _version(path):
    """The template's version that the checked-out branch of a service has; None where that cannot be told."""
    try:
        record = repository.Repository(path).record("HEAD")
    except (repository.Refused, git.GitError, OSError):
        return None
    return record.version if record else None


def _between(root, today, version):
    if version is None:
        return ""
    try:
        missing = template.between(root, version, today)
    except git.GitError:
        return f"at {version}, which is not known here"
    if not missing["versions"] and not missing["changes"]:
        return "current"
    return f"{len(missing['changes'])} changes" + (f", to {missing['versions'][-1]}" if missing["versions"] else "")
