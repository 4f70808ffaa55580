# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a service may be called, and why not otherwise. Pure functions: nothing here reads or writes.

A name has to fit everything that is later called after it. The narrowest is Elastic Beanstalk's environment,
4 to 40 characters (https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateEnvironment.html), which with
the longest suffix of ours, ``-production-worker``, leaves 22. With that length the others fit as well: IAM role 64,
S3 bucket and DNS label 63, RDS instance 63, ElastiCache replication group 40, MySQL schema 64. ECR wants 2 at least
(https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html).
"""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 40 - len("-production-worker")

_ANSIBLE = {
    "all": "Ansible's group of all hosts",
    "ungrouped": "Ansible's group of hosts without a group",
    "services": "the inventory's group of all services",
    "localhost": "this machine, to Ansible and to DNS",
}
_COMPOSE = dict.fromkeys(
    ("web", "worker", "beat", "mysql", "redis", "migrate", "tools"),
    "the name of a container in every service: on the network that services share it would answer for both",
)
_MYSQL = dict.fromkeys(("sys", "information-schema", "performance-schema"), "one of MySQL's own schemas: its tools would show two alike")
RESERVED = {**_ANSIBLE, **_COMPOSE, **_MYSQL}


class NameRefused(ValueError):
    """A name that cannot be used. Its text says why and suggests one that would do."""


def normalise(raw: str) -> str:
    """``Orbit_Ledger`` and ``ORBIT-LEDGER`` are ``orbit-ledger``."""
    return raw.strip().lower().replace("_", "-")


def package(name: str) -> str:
    """The Python package of a service. Behind ``_app`` no name can hide a module (``email``, ``json``, ``django``)."""
    return name.replace("-", "_") + "_app"


def title(name: str) -> str:
    """The name as people read it: ``Orbit Ledger``."""
    return name.replace("-", " ").title()


def service_name(raw: object, raw_params: str = "") -> str:
    """The service's name from what was typed.

    :param raw: the value of ``-e name=…``.
    :param raw_params: what Ansible cut off: ``-e "name=orbit ledger"`` arrives as ``name: orbit`` with
        ``_raw_params: ledger``, and without this a service of another name would be made.
    :raises NameRefused: with the reason and a name that would do.
    """
    text = "" if raw is None else str(raw)
    if raw_params:
        text = f"{text} {raw_params}"
    problem = _problem(text)
    if problem:
        raise NameRefused(f"The name {_shown(text)} cannot be used: {problem}. {_suggestion(text)}")
    return normalise(text)


def _problem(text: str) -> str | None:
    if not text.strip():
        return "it is empty"
    if text != text.strip() or re.search(r"\s", text):
        return "it holds white space"
    if not text.isascii():
        wrong = next(c for c in text if not c.isascii())
        return f"{wrong!r} is not an ASCII letter, and DNS, Docker and AWS take no other"
    wrong_characters = sorted(set(re.findall(r"[^A-Za-z0-9_-]", text)))
    if wrong_characters:
        return f"only letters, digits, '-' and '_' are allowed, not {' '.join(wrong_characters)}"
    return _problem_of_form(normalise(text))


def _problem_of_form(name: str) -> str | None:
    found = (
        (name[0].isdigit(), "it starts with a digit; RDS and Python want a letter first"),
        (name[0] == "-", "it starts with a sign; RDS and Python want a letter first"),
        (name[-1] == "-", "it ends with a sign; DNS, RDS and Elastic Beanstalk want a letter or a digit last"),
        ("--" in name, "it has two signs side by side, which RDS and ECR refuse"),
        (
            len(name) > MAX_LENGTH,
            f"it has {len(name)} characters and {MAX_LENGTH} is the most: "
            "Elastic Beanstalk allows 40, of which '-production-worker' takes 18",
        ),
        (len(name) == 1, "it has one character; ECR wants two at least"),
        (name in RESERVED, f"'{name}' is {RESERVED.get(name)}"),
    )
    return next((why for wrong, why in found if wrong), None)


def _shown(text: str) -> str:
    return "''" if not text else repr(text if len(text) <= 60 else text[:57] + "...")


def _suggestion(text: str) -> str:
    return f"Type for example: -e name={suggest(text)}"


def suggest(text: str) -> str:
    """A name near to the one typed that would be accepted."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "-", plain.lower()).lstrip("-0123456789")
    name = name[:MAX_LENGTH].strip("-")
    if name in RESERVED or len(name) == 1:
        name = f"{name[: MAX_LENGTH - len('-service')]}-service"
    return name or "scheduler"
