# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What new_service is told, checked before anything is written, and the answers and variables that follow from it."""

from __future__ import annotations

import pathlib
import re
import zoneinfo

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.little_service.factory.plugins.plugin_utils import names
from ansible_collections.little_service.factory.plugins.plugin_utils.template import Version

PYTHON_VERSIONS = ("3.12", "3.13", "3.14")
CI = ("circleci", "github")

# https://docs.github.com/en/rest/repos/repos#create-a-repository-for-the-authenticated-user and GitHub's user names
_GITHUB = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")
# What git check-ref-format allows, less what a shell or a YAML file would have to quote.
_BRANCH = re.compile(r"(?!.*(?:\.\.|//|\.lock(?:/|$)))[A-Za-z0-9][A-Za-z0-9._/-]*(?<![./])")
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")


class InputsRefused(ValueError):
    """One or more inputs cannot be used. Its text has a line for each: what is wrong and what to type."""


def answers(given: dict, owner: tuple[str, str]) -> dict:
    """The answers file's content: every input that shapes the service, in the order of the documentation.

    :param given: the inputs as typed.
    :param owner: name and e-mail address that hold where none was given.
    :raises InputsRefused: naming every input that is wrong.
    """
    problems = [problem for problem in _problems(given) if problem]
    if problems:
        raise InputsRefused("\n".join(problems))
    return {
        "name": given["name"],
        "description": str(given["description"]).strip(),
        "owner_name": str(given["owner_name"] or owner[0]),
        "owner_email": str(given["owner_email"] or owner[1]),
        "python_version": str(given["python_version"]),
        "time_zone": str(given["time_zone"]),
        "github": str(given["github"] or ""),
        "branch": str(given["branch"]),
        "celery": boolean(given["celery"]),
        "ci": str(given["ci"]),
    }


def template_variables(answers: dict, version: Version) -> dict:
    """The variables of service_template/: ``service_<answer>`` for each answer, and what follows from the name."""
    name = answers["name"]
    return {
        **{f"service_{key}": value for key, value in answers.items()},
        "service_package": names.package(name),
        "service_title": names.title(name),
        "service_answers": answers,
        "service_template_version": version.number,
        "service_template_commit": version.commit,
    }


def left_out(answers: dict, parts: dict[str, list[str]]) -> list[str]:
    """The patterns of the paths that these answers leave out.

    :param parts: the patterns of each part: ``celery``, and one for each CI.
    """
    absent = [part for part in CI if part != answers["ci"]] + ([] if answers["celery"] else ["celery"])
    return [pattern for part in absent for pattern in parts.get(part, [])]


def _problems(given: dict):
    for key in ("description", "owner_name", "owner_email"):
        yield _line(key, given[key])
    if given["owner_email"] and not _EMAIL.fullmatch(str(given["owner_email"])):
        yield f"owner_email is {given['owner_email']!r}, not an address. Type for example: -e owner_email=ada@example.org"
    yield _one_of("python_version", given["python_version"], PYTHON_VERSIONS)
    yield _one_of("ci", given["ci"], CI)
    yield _time_zone(str(given["time_zone"]))
    github = str(given["github"] or "")
    if github and (not _GITHUB.fullmatch(github) or github.endswith((".git", "/.", "/.."))):
        yield f"github is {github!r}, not owner/repository. Type for example: -e github=little-service/scheduler"
    branch = str(given["branch"])
    if not _BRANCH.fullmatch(branch):
        yield f"branch is {branch!r}, which git or a shell would not take. Type for example: -e branch=main"
    elif branch == "template" or branch.startswith("template/"):
        yield "branch is 'template', the branch that holds what the template made. Type for example: -e branch=main"
    try:
        boolean(given["celery"])
    except TypeError:
        yield f"celery is {given['celery']!r}, neither true nor false. Type for example: -e celery=false"


def _line(key: str, value: object) -> str | None:
    text = str(value or "")
    if not text.isprintable():
        return f"{key} must be one line of printable characters; it has {next(c for c in text if not c.isprintable())!r}."
    if len(text) > 200:
        return f"{key} has {len(text)} characters; 200 is the most."
    if key != "description" and any(character in text for character in "<>"):
        return f"{key} holds '<' or '>', which git does not take in a name or an address."
    return None


def _one_of(key: str, value: object, choices: tuple[str, ...]) -> str | None:
    if str(value) in choices:
        return None
    return f"{key} is {str(value)!r}; it can be {', '.join(choices)}. Type for example: -e {key}={choices[0]}"


def _time_zone(value: str) -> str | None:
    try:
        zoneinfo.ZoneInfo(value)
        return None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # unknown; leads out of the database; a folder of it
        pass
    return f"time_zone is {value!r}, which the time zone database does not have. Type for example: -e time_zone=Europe/Berlin"


def folder(value: object, root: pathlib.Path, name: str) -> pathlib.Path:
    """The service's folder from ``services_dir``, relative to the repository's root.

    :raises InputsRefused: where it lies in a folder that holds this project's own files.
    """
    services = (root / pathlib.Path(str(value)).expanduser()).resolve()
    for own in ("service_template", "roles", "playbooks", "collections", "inventories", ".git"):
        if services.is_relative_to(root / own):
            raise InputsRefused(f"services_dir is {services}, inside {own}/ of this project. Leave it out to get {root / 'services'}.")
    if services == root:
        raise InputsRefused(f"services_dir is this project's own folder. Leave it out to get {root / 'services'}.")
    if services.exists() and not services.is_dir():
        raise InputsRefused(f"services_dir is {services}, which is a file. Type a folder's path.")
    return services / name
