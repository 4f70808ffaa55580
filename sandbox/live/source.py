"""What a connection leads to: bare repositories of git on this machine. A push starts the pipelines that watch its branch."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from moto.core.request import Request

from sandbox.codepipeline.actions import Action, ActionFailed
from sandbox.codepipeline.executions import Pipelines
from sandbox.core.clock import beside
from sandbox.core.gateway import Sandbox

if TYPE_CHECKING:
    from sandbox.live.engine import Engine

HOOK = """#!{python}
# Tells the sandbox what was pushed, as a webhook does. https://git-scm.com/docs/githooks#post-receive
import json, sys, urllib.request

direct = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
for line in sys.stdin:
    before, commit, name = line.split()
    if name.startswith("refs/heads/") and set(commit) != {{"0"}}:
        told = {{"repository": {repository!r}, "branch": name.removeprefix("refs/heads/"), "commit": commit}}
        request = urllib.request.Request({url!r}, json.dumps(told).encode(), {{"Content-Type": "application/json"}}, method="POST")
        try:
            started = json.load(direct.open(request, timeout=30))
        except OSError as error:
            print(f"It is pushed, but no pipeline starts: the sandbox does not answer ({{error}}).")
            continue
        for pipeline in started:
            print(f"The pipeline {{pipeline}} starts.")
"""


def path(engine: Engine, repository: str) -> pathlib.Path:
    """Where a repository of a name like ``owner/name`` lies."""
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", repository):
        raise ValueError(f"A repository is called owner/name, and not {repository!r}")
    return engine.folder / "repositories" / f"{repository}.git"


def look(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """``?repository=local/scheduler``: where it lies or would lie, and whether it is there."""
    return found(sandbox, request.args["repository"])


def keep(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """``{"repository": "local/scheduler"}``: have it."""
    name = request.get_json()["repository"]
    with sandbox.lock:
        before = found(sandbox, name)
        if not before["there"]:
            where = pathlib.Path(before["path"])
            subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(where)], check=True)
            hook = where / "hooks/post-receive"
            hook.write_text(HOOK.format(python=sys.executable, repository=name, url=f"{sandbox.url}/_sandbox/pushes"))
            hook.chmod(0o755)
        return found(sandbox, name)


def found(sandbox: Sandbox, name: str) -> dict[str, Any]:
    if not sandbox.live:
        raise ValueError("This sandbox has no repositories: it runs in the mode control")
    where = path(sandbox.live, name)
    return {"path": str(where), "there": where.exists()}


def pushed(sandbox: Sandbox, request: Request) -> list[str]:
    """``{"repository": …, "branch": …, "commit": …}``: start what waits for it; the names of these pipelines."""
    told, started = request.get_json(), []
    with sandbox.lock:
        for state in sandbox.states(Pipelines):
            for name, pipeline in state.pipelines.items():
                for action in pipeline.declared["stages"][0]["actions"]:
                    given = action["configuration"]
                    watched = (given.get("FullRepositoryId"), given.get("BranchName")) == (told["repository"], told["branch"])
                    if watched and given.get("DetectChanges") != "false":
                        state.start(pipeline, "WebhookV2", given["ConnectionArn"], {}, told["commit"])
                        started.append(name)
    return started


def fetch(state: Pipelines, action: Action) -> Generator[float, None, tuple[str, bytes]]:
    """The commit that an action takes, and its tree as a zip archive; the action's variables tell of it.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html#reference-variables-list-configured-codestar
    """
    name, branch = action.configuration["FullRepositoryId"], action.configuration["BranchName"]
    where, wanted = path(state.sandbox.live, name), action.execution.revision_override or f"refs/heads/{branch}"
    about = yield from beside(lambda: git(where, "show", "--no-patch", "--format=%H%n%an%n%ae%n%aI%n%B", f"{wanted}^{{commit}}"))
    if about is None:
        what = f"commit [{action.execution.revision_override}]" if action.execution.revision_override else f"Branch [{branch}]"
        raise ActionFailed("ConfigurationError", f"[GitHub] No {what} found for FullRepositoryName [{name}]")
    commit, author, address, date, message = about.decode(errors="replace").split("\n", 4)
    body = yield from beside(lambda: git(where, "archive", "--format=zip", commit))
    action.variables |= {"CommitMessage": message.strip(), "AuthorDisplayName": author, "AuthorEmail": address, "AuthorDate": date}
    action.execution.summaries[action.name] = json.dumps({"ProviderType": "GitHub", "CommitMessage": message.strip()[:1000]})
    return commit, body or b""


def git(repository: pathlib.Path, *words: str) -> bytes | None:
    """What git prints; None where it refuses."""
    done = subprocess.run(["git", "--git-dir", str(repository), *words], capture_output=True, check=False)
    return None if done.returncode else done.stdout
