"""What a build specification becomes: checked, one script, and files that are meant or not."""

from __future__ import annotations

import subprocess

import pytest

from sandbox.live import buildspec

WRONG = {
    "a: [": "Could not parse the YAML file",
    "version: 0.1": "The version must be 0.2",
    "version: 0.2\nphases: {}": "At least one phase is expected",
    "version: 0.2\nphases: {built: {commands: [a]}}": "phases.built is unknown",
    "version: 0.2\nphases: {build: {command: [a]}}": "phases.build.command is unknown",
    "version: 0.2\nphases: {build: {commands: [{echo: a}]}}": "phases.build has a command that is no text",
    "version: 0.2\nphases: {build: {commands: [a], on-failure: RETRY}}": "ABORT or CONTINUE is expected",
    "version: 0.2\nphases: {build: {commands: [a]}}\nartifacts: {file: [a]}": "artifacts.file is unknown",
    "version: 0.2\nphases: {build: {commands: [a]}}\nreports: {tests: {format: JUNITXML}}": "reports.tests.format is unknown",
}
MATCHES = [
    ("**/*", "a", True),
    ("**/*", ".platform/hooks/a.sh", True),
    ("*", "a", True),
    ("*", "a/b", False),
    ("out/*.xml", "out/a.xml", True),
    ("out/*.xml", "out/b/a.xml", False),
    ("out/**/*.xml", "out/b/a.xml", True),
    ("out/**/*.xml", "out/a.xml", True),
    ("./a.txt", "a.txt", True),
    ("a.txt", "aXtxt", False),
]


@pytest.mark.parametrize(("text", "words"), WRONG.items())
def test_what_codebuild_would_not_read_is_refused_by_its_name(text, words):
    with pytest.raises(buildspec.BuildspecError, match=words.replace(".", r"\.")):
        buildspec.parse(text)


@pytest.mark.parametrize(("pattern", "path", "meant"), MATCHES)
def test_artifacts_are_named_by_patterns(pattern, path, meant):
    assert buildspec.matches(path, [pattern]) is meant


def ran(folder, phases: str, env: str = "") -> tuple[list[str], list[str]]:
    """What the commands print, and what the script tells."""
    text = buildspec.script(buildspec.parse(f"version: 0.2\nenv: {{{env}}}\nphases:\n{phases}"))
    given = {"CODEBUILD_SRC_DIR": str(folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", text], env=given, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("[Container]")]
    return lines, done.stderr.splitlines()


def test_commands_share_one_shell(tmp_path):
    phases = "  pre_build: {commands: [ONE=1, 'export TWO=2', mkdir a && cd a]}\n  build: {commands: ['echo $ONE $TWO ${PWD##*/} >&2']}"
    lines, told = ran(tmp_path, phases, "exported-variables: [TWO, NONE]")
    assert lines == ["1 2 a"]
    assert told[-2:] == ["export TWO Mg==", "done"]


FAILS = {
    "build": ("", ["finally", "after"], ["end BUILD 1 0", "end POST_BUILD 0"]),
    "abort": ("on-failure: ABORT, ", ["finally"], ["end BUILD 1 0"]),
    "exit": ("", ["finally", "after"], ["end BUILD 4 0", "end POST_BUILD 0"]),
}


@pytest.mark.parametrize("kind", FAILS)
def test_after_a_failure_comes_what_comes_on_aws(tmp_path, kind):
    setting, lines, told = FAILS[kind]
    command = "exit 4" if kind == "exit" else "'false'"
    build = f"  build: {{{setting}commands: [{command}, echo never], finally: [echo finally]}}"
    got, said = ran(tmp_path, f"{build}\n  post_build: {{commands: ['echo after']}}")
    assert got == lines
    assert [line for line in said if line.startswith("end") and "INSTALL" not in line and "PRE_" not in line] == told
    assert said[-1] == "done"
