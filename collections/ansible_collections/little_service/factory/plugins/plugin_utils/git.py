# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""git for a repository of our own making, free of what the caller's environment or settings would add."""

from __future__ import annotations

import os
import pathlib
import subprocess

# Used only where git knows no name or e-mail address of its own.
LAST_RESORT = ("Little Service", "little-service@localhost")
TEMPLATE_BRANCH = "template"

# The user's hooks, signing key (it may ask for a pass phrase) and background upkeep are for the user's own commits.
_PLAIN = (
    "-c",
    "commit.gpgsign=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
)


class GitError(Exception):
    """git refused. Its text holds the command and git's own words."""


def run(folder: pathlib.Path, *arguments: str, keep: tuple[int, ...] = ()) -> str:
    """Run git in ``folder`` and return what it printed.

    :param keep: descriptors that git holds open too, so that a lock lasts as long as the last writer.
    :raises GitError: where git fails or is missing.
    """
    # A git hook exports GIT_DIR and the like, which would turn these commands to another repository.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key.startswith("GIT_CONFIG")}
    environment["GIT_TERMINAL_PROMPT"] = "0"
    try:
        result = subprocess.run(
            ["git", *_PLAIN, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            pass_fds=keep,
            check=False,
        )
    except FileNotFoundError:
        raise GitError("git is not installed. Install it (on Debian: apt-get install git) and run this again.") from None
    if result.returncode:
        raise GitError(f"git {' '.join(arguments)} failed in {folder}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout.strip()


def setting(name: str, folder: pathlib.Path) -> str:
    """A setting of git's, empty where there is none."""
    try:
        return run(folder, "config", "--get", name)
    except GitError:
        return ""


def identity(folder: pathlib.Path) -> tuple[str, str]:
    """The user's name and e-mail address as git has them, each with a last resort."""
    return setting("user.name", folder) or LAST_RESORT[0], setting("user.email", folder) or LAST_RESORT[1]


def first_commit(folder: pathlib.Path, branch: str, message: str, keep: tuple[int, ...] = ()) -> str:
    """Make ``folder`` a repository: one commit, on the branch `template` and on ``branch``, which is checked out."""
    name, email = identity(folder)
    who = ("-c", f"user.name={name}", "-c", f"user.email={email}")
    run(folder, "init", "--quiet", f"--initial-branch={TEMPLATE_BRANCH}", keep=keep)
    # --force: a global ignore file (core.excludesFile) must not leave out what the template brings.
    run(folder, "add", "--all", "--force", keep=keep)
    run(folder, *who, "commit", "--quiet", f"--message={message}", keep=keep)
    run(folder, "branch", branch, keep=keep)
    run(folder, "symbolic-ref", "HEAD", f"refs/heads/{branch}", keep=keep)
    return run(folder, "rev-parse", "HEAD")
