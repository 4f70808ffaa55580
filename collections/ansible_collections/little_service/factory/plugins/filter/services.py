# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters that turn what a user types into services."""

from __future__ import annotations

import difflib
import fnmatch

from ansible import context
from ansible.errors import AnsibleFilterError
from ansible_collections.little_service.factory.plugins.plugin_utils import names


def services(raw, groups, limit="", raw_params="", required=True):
    """The hosts of a play, from ``-e name=…`` and ``--limit``. See services.yml beside this file."""
    known = sorted(groups.get("services", []))
    raw = "" if raw is None else str(raw).strip()
    if not raw:
        if required and not limit and not _only_shown():
            raise AnsibleFilterError(f"Say which service. Type for example: -e name={known[0] if known else 'scheduler'}. {_listed(known)}")
        return known
    chosen = [_known_service(part, raw_params, known) for part in raw.split(",")]
    limited = _matched(limit, known) if limit else chosen
    if set(limited) != set(chosen):
        raise AnsibleFilterError(
            f"-e name={raw} and --limit {limit} do not name the same services "
            f"({', '.join(chosen)} and {', '.join(limited) or 'none'}). Leave one of them out."
        )
    return chosen


def _only_shown():
    """Whether nothing is run: a check of the syntax, or a list of hosts, tasks or tags, needs no choice."""
    return any(context.CLIARGS.get(option) for option in ("syntax", "listhosts", "listtasks", "listtags"))


def _known_service(part, raw_params, known):
    if part.strip().lower() in names.RESERVED or any(character in part for character in "*?!&:~[]"):
        raise AnsibleFilterError(f"{part!r} is not a service's name: patterns and groups are not taken here. {_listed(known)}")
    try:
        name = names.service_name(part.strip(), raw_params)
    except names.NameRefused as refused:
        raise AnsibleFilterError(str(refused)) from None
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    why = f". Did you mean {near[0]}?" if near else ": it was never made here, or was removed."
    cure = "" if near else f" To make it, type: ansible-playbook new_service.yml -e name={name}."
    raise AnsibleFilterError(f"There is no service {name}{why}{cure} {_listed(known)}")


def _matched(limit, known):
    """The services that ``--limit`` leaves, where it can be told without the inventory; else the user must choose."""
    if any(character in limit for character in "!&~@"):
        raise AnsibleFilterError(f"-e name=… and --limit {limit} cannot be compared. Leave one of them out.")
    parts = [part for part in limit.replace(":", ",").split(",") if part]
    return [name for name in known if any(fnmatch.fnmatchcase(name, part) for part in parts)]


def _listed(known):
    return f"The services here: {', '.join(known)}." if known else "There is no service here yet."


class FilterModule:
    """Ansible's entry point."""

    def filters(self):
        return {"services": services}
