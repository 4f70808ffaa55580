"""A build specification as CodeBuild reads it, and the one script that its phases become.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, version 0.2: all commands run in one shell, so that what one
of them sets the next one finds. What the sandbox has to know (a phase begins, ends, why) the script says on its error output, which the
commands do not have.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
KNOWN = {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}
KNOWN_ENV = {"shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"}
KNOWN_PHASE = {"run-as", "on-failure", "runtime-versions", "commands", "finally"}
KNOWN_ARTIFACTS = {"files", "exclude-paths", "name", "discard-paths", "base-directory", "secondary-artifacts"}
KNOWN_REPORT = {"files", "base-directory", "discard-paths", "file-format"}


class BuildspecError(Exception):
    """What is wrong with the file, in CodeBuild's way of telling."""


@dataclasses.dataclass(frozen=True)
class Buildspec:
    """What a file declares, checked."""

    env: dict[str, Any]
    phases: dict[str, dict[str, Any]]
    artifacts: dict[str, Any]
    reports: dict[str, dict[str, Any]]


def parse(text: str) -> Buildspec:
    """Read and check a specification; a key that CodeBuild does not know, or the sandbox not yet, is an error and not a surprise."""
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecError(f"Could not parse the YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(read, dict) or str(read.get("version")) != "0.2":
        raise BuildspecError("The version must be 0.2")
    spec = Buildspec(*(read.get(part) or {} for part in ("env", "phases", "artifacts", "reports")))
    _known("", read, KNOWN)
    _known("env.", spec.env, KNOWN_ENV)
    _known("phases.", spec.phases, set(PHASES))
    for name, phase in spec.phases.items():
        _known(f"phases.{name}.", phase, KNOWN_PHASE)
        if phase.get("on-failure", "ABORT") not in ("ABORT", "CONTINUE"):
            raise BuildspecError(f"phases.{name}.on-failure is {phase['on-failure']}: ABORT or CONTINUE is expected")
        commands = [*_listed(phase, "commands"), *_listed(phase, "finally")]
        if not all(isinstance(command, (str, int, float)) for command in commands):
            raise BuildspecError(f"phases.{name} has a command that is no text: put it in quotes")
    _known("artifacts.", spec.artifacts, KNOWN_ARTIFACTS)
    for name, secondary in spec.artifacts.get("secondary-artifacts", {}).items():
        _known(f"artifacts.secondary-artifacts.{name}.", secondary, KNOWN_ARTIFACTS)
    for name, report in spec.reports.items():
        _known(f"reports.{name}.", report, KNOWN_REPORT)
    if not spec.phases:
        raise BuildspecError("At least one phase is expected")
    return spec


def _known(where: str, part: Any, known: set[str]) -> None:
    if not isinstance(part, dict):
        raise BuildspecError(f"{where.rstrip('.') or 'The file'} is no mapping")
    for key in part:
        if key not in known:
            raise BuildspecError(f"{where}{key} is unknown; there is: {', '.join(sorted(known))}")


def _listed(part: dict[str, Any], key: str) -> list[Any]:
    found = part.get(key) or []
    return found if isinstance(found, list) else [found]


# The commands' error output is their output; descriptor 3 is the script's own way to the sandbox. A command that says `exit` ends the
# shell: what is left is then done on its way out.
SCRIPT = r"""
exec 3>&2 2>&1
__at=0 __phase='' __failed='' __stop='' __inside=''
export CODEBUILD_BUILD_SUCCEEDING=1
__log() { printf '[Container] %s %s\n' "$(date -u '+%Y/%m/%d %H:%M:%S.%6N')" "$*"; }
__ended() {
    __inside=''
    [ "$1" = 0 ] || { __failed="$1 $2"; __log "Command did not exit successfully ${__commands[$2]} exit status $1"; }
}
__go() {
    while [ "$__at" -lt "${#__steps[@]}" ]; do
        read -r __kind __word __more <<<"${__steps[$__at]}"
        __at=$((__at + 1))
        [ -z "$__stop" ] || continue
        case $__kind in
            begin)
                __phase=$__word __failed=''
                __log "Entering phase $__word"
                echo "begin $__word" >&3
                ;;
            run | finally)
                [ -z "$__failed" ] || [ "$__kind" = finally ] || continue
                __log "Running command ${__commands[$__word]}"
                __inside=$__word
                eval "${__commands[$__word]}" </dev/null
                __ended "$?" "$__word"
                ;;
            end)
                __log "Phase complete: $__word State: $([ -z "$__failed" ] && echo SUCCEEDED || echo FAILED)"
                echo "end $__word ${__failed:-0}" >&3
                [ -z "$__failed" ] || { export CODEBUILD_BUILD_SUCCEEDING=0; [ "$__more" = go ] || __stop=yes; }
                ;;
        esac
    done
    for __name in "${__exported[@]}"; do
        [ -z "${!__name+set}" ] || echo "export $__name $(printf %s "${!__name}" | base64 -w 0)" >&3
    done
    echo done >&3
}
__out() {
    local status=$?
    trap - EXIT
    [ -z "$__inside" ] || { __ended "$status" "$__inside"; __go; }
}
trap __out EXIT
cd "$CODEBUILD_SRC_DIR" && __go
trap - EXIT
"""


def commands(spec: Buildspec) -> list[str]:
    """All commands in their order; the script speaks of them by their number."""
    parts = (_listed(spec.phases.get(name, {}), key) for name in PHASES for key in ("commands", "finally"))
    return [str(command).strip() for part in parts for command in part]


def script(spec: Buildspec) -> str:
    """What is to run in the build's machine.

    After a phase that failed nothing follows, except that after ``build`` comes ``post_build``, unless ``on-failure`` says otherwise:
    https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
    """
    steps, number = [], 0
    for name in PHASES:
        phase = spec.phases.get(name, {})
        steps.append(f"begin {name.upper()}")
        for kind, key in (("run", "commands"), ("finally", "finally")):
            for _ in _listed(phase, key):
                steps.append(f"{kind} {number}")
                number += 1
        goes_on = phase.get("on-failure", "CONTINUE" if name == "build" else "ABORT") == "CONTINUE"
        steps.append(f"end {name.upper()} {'go' if goes_on else 'stop'}")
    arrays = (("commands", commands(spec)), ("steps", steps), ("exported", spec.env.get("exported-variables") or []))
    return "".join(f"__{name}=({' '.join(shlex.quote(word) for word in words)})\n" for name, words in arrays) + SCRIPT


def matches(path: str, patterns: list[str]) -> bool:
    """Whether a file is meant by one of these: ``**`` is any folders, ``*`` any name."""
    return any(re.fullmatch(_expression(pattern.removeprefix("./")), path) for pattern in patterns)


def _expression(pattern: str) -> str:
    words = {"**/": r"(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(words.get(part) or re.escape(part) for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern))
