# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""git, free of what the caller's environment or settings would add to what we make."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Iterable

# Used only where git knows no name or e-mail address of its own.
LAST_RESORT = ("Little Service", "little-service@localhost")
TEMPLATE_BRANCH = "template"
# Every commit of the template's branch names its own tree here: what a developer amends, squashes or adds to one no longer agrees.
TRAILER = "Little-Service-Tree"

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
# What the user set so that git reaches a server; all else of git's would turn these commands to another repository.
_KEPT = ("GIT_CONFIG", "GIT_SSH", "GIT_SSL", "GIT_ASKPASS")


class GitError(Exception):
    """git refused. Its text holds the command and git's own words."""


def call(
    folder: pathlib.Path,
    *arguments: str,
    keep: Iterable[int] = (),
    variables: dict[str, str] | None = None,
    given: bytes | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git in ``folder``, however it ends.

    :param keep: descriptors that git holds open too, so that a lock lasts as long as the last writer.
    :param variables: of the environment, such as GIT_INDEX_FILE.
    :raises GitError: where git is missing or takes too long.
    """
    # A git hook exports GIT_DIR and the like, which would turn these commands to another repository.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key.startswith(_KEPT)}
    # What only reads must not write the index anew.
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", **(variables or {})}
    try:
        return subprocess.run(
            ["git", *_PLAIN, *arguments],
            cwd=folder,
            env=environment,
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
            pass_fds=tuple(keep),
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise GitError("git is not installed. Install it (on Debian: apt-get install git) and run this again.") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {' '.join(arguments)} in {folder} has not ended after {timeout:.0f} s.") from None


def run(folder: pathlib.Path, *arguments: str, **more) -> str:
    """Run git in ``folder`` and return what it printed; ``more`` as for `call`.

    :raises GitError: where git fails or is missing.
    """
    done = call(folder, *arguments, **more)
    if done.returncode:
        raise refusal(folder, arguments, done)
    return os.fsdecode(done.stdout).strip()


def refusal(folder: pathlib.Path, arguments: Iterable[str], done: subprocess.CompletedProcess[bytes]) -> GitError:
    """The error of a command that failed, with git's own words."""
    words = (done.stderr.strip() or done.stdout.strip()).decode(errors="replace")
    return GitError(f"git {' '.join(arguments)} failed in {folder}: {words}")


def setting(name: str, folder: pathlib.Path) -> str:
    """A setting of git's, empty where there is none."""
    try:
        return run(folder, "config", "--get", name)
    except GitError:
        return ""


def identity(folder: pathlib.Path) -> tuple[str, str]:
    """The user's name and e-mail address as git has them, each with a last resort."""
    return setting("user.name", folder) or LAST_RESORT[0], setting("user.email", folder) or LAST_RESORT[1]


def as_user(folder: pathlib.Path) -> tuple[str, ...]:
    """The options with which a commit is the user's."""
    name, email = identity(folder)
    return "-c", f"user.name={name}", "-c", f"user.email={email}"


def first_commit(folder: pathlib.Path, branch: str, message: str, keep: tuple[int, ...] = ()) -> str:
    """Make ``folder`` a repository: one commit, on the branch `template` and on ``branch``, which is checked out."""
    run(folder, "init", "--quiet", f"--initial-branch={TEMPLATE_BRANCH}", keep=keep)
    # --force: a global ignore file (core.excludesFile) must not leave out what the template brings.
    run(folder, "add", "--all", "--force", keep=keep)
    tree = run(folder, "write-tree", keep=keep)
    run(folder, *as_user(folder), "commit", "--quiet", f"--message={message}\n\n{TRAILER}: {tree}", keep=keep)
    run(folder, "branch", branch, keep=keep)
    run(folder, "symbolic-ref", "HEAD", f"refs/heads/{branch}", keep=keep)
    return run(folder, "rev-parse", "HEAD")
