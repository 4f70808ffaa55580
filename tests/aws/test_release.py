"""`release.yml` as it is typed: what the remote holds is brought out, followed to its end, and never half of it."""

from __future__ import annotations

import json
import pathlib
import signal
import subprocess
import time

import pytest

from tests.aws.operator import POISON, Operator
from tests.conftest import ROOT, environment

NAME = "orbit-ledger"
PIPELINE = f"{NAME}-sandbox"


def git(folder: pathlib.Path, *words: str) -> str:
    plain = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *plain, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


class Developer:
    """The service's folder on this machine, and the bare repository that is the pipeline's source."""

    def __init__(self, ops: Operator) -> None:
        self.folder = ops.workshop.services / NAME
        bare = ops.folder / "source.git"
        git(ops.folder, "init", "--quiet", "--bare", str(bare))
        git(self.folder, "remote", "add", "sandbox", str(bare))
        git(self.folder, "push", "--quiet", "sandbox", "main")

    def commit(self) -> str:
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message=More")
        return self.head()

    def head(self) -> str:
        return git(self.folder, "rev-parse", "main")


@pytest.fixture(scope="module")
def ops(running_sandbox, tmp_path_factory) -> Operator:
    """A service that stands on AWS."""
    running_sandbox.control("POST", "reset")
    operator = Operator.at(running_sandbox, tmp_path_factory.mktemp("ops"))
    operator.has(NAME)
    up = operator.type("aws_up", name=NAME)
    assert up.status == 0, up.result.output
    return operator


@pytest.fixture(scope="module")
def developer(ops) -> Developer:
    return Developer(ops)


@pytest.fixture(autouse=True)
def at_once(ops):
    yield
    ops.cloud.control("PUT", "clock", {"profile": "none"})


def executions(ops: Operator) -> list[dict]:
    return ops.cloud.client("codepipeline").list_pipeline_executions(pipelineName=PIPELINE)["pipelineExecutionSummaries"]


def serving(ops: Operator) -> str:
    """The commit that serves, as `aws_status` tells it in table, JSON and page."""
    output, pages = ops.folder / "status.json", ops.folder / "pages"
    run = ops.type("aws_status", name=NAME, output=output, pages_dir=pages)
    assert run.writes == []
    (report,) = json.loads(output.read_text())["services"]
    (current,) = [one for one in report["deployments"] if one["current"]]
    (row,) = [line for line in run.result.output.splitlines() if line.endswith(" serves")]
    assert current["short"] in row
    page = (pages / f"sandbox/{NAME}.html").read_text()
    assert current["short"] in page.split("</span> serves</td>")[1].split("</tr>")[0]
    return current["commit"]


def release(ops: Operator, *options: object, **typed: object):
    return ops.type("release", *options, name=NAME, aws_release_trigger_wait=0, **typed)


def test_what_is_not_pushed_is_refused_and_pushed_when_that_is_said(ops, developer):
    before, head = developer.head(), developer.commit()
    refused = release(ops)
    assert (refused.status, refused.writes) == (2, []), refused.result.output
    assert "main in" in refused.words
    assert "is 1 commit ahead of sandbox" in refused.words
    assert "-e push=true" in refused.words
    assert before in refused.words
    foreseen = release(ops, "--check", push=True)
    assert (foreseen.status, foreseen.writes) == (0, []), foreseen.result.output
    assert git(developer.folder, "ls-remote", "sandbox", "refs/heads/main").split()[0] == before
    pushed = release(ops, push=True)
    assert pushed.status == 0, pushed.result.output
    assert git(developer.folder, "ls-remote", "sandbox", "refs/heads/main").split()[0] == head
    assert "nothing runs in the sandbox's control mode" in pushed.words
    assert "Time: Source" in pushed.words
    assert pushed.messages.endswith(f"http://{NAME}-sandbox-123456789012.us-west-2.elasticbeanstalk.com/")


def test_a_commit_that_is_named_is_released_once(ops, developer):
    head = developer.head()
    first = release(ops, commit=head[:12])
    assert first.status == 0, first.result.output
    web = ops.cloud.client("elasticbeanstalk").describe_environments(EnvironmentNames=[PIPELINE])["Environments"][0]
    assert web["VersionLabel"].endswith(head)
    again = release(ops, commit=head)
    assert (again.status, again.changed, again.writes) == (0, 0, []), again.result.output
    assert "was out already" in again.words


def test_who_interrupts_it_is_told_how_to_follow_and_the_release_goes_on(ops, developer):
    head = developer.commit()
    ops.cloud.control("PUT", "clock", {"profile": "real", "speed": 30})
    inventories = ops.workshop.inventories
    typed = {"name": NAME, "commit": head, "aws_endpoint_url": ops.cloud.url, "aws_wait_delay": 0.05}
    words = ["-i", inventories / "sandbox", "-i", inventories / "local", *(w for k, v in typed.items() for w in ("-e", f"{k}={v}"))]
    process = subprocess.Popen(
        ["ansible-playbook", "release.yml", *map(str, words)],
        cwd=ROOT,
        env=environment(**POISON, LITTLE_SERVICE_PROGRESS_INTERVAL="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    before, end = len(executions(ops)), time.monotonic() + 60
    while len(executions(ops)) == before and time.monotonic() < end:
        time.sleep(0.5)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    said = " ".join(process.communicate(timeout=60)[0].split())
    assert process.returncode != 0
    assert f"{PIPELINE} goes on without you. To follow it again: ansible-playbook release.yml -e name={NAME}" in said
    assert executions(ops)[0]["status"] == "InProgress"
    assert f"... {NAME}: Follow it through the pipeline, " in said
    ops.cloud.control("PUT", "clock", {"profile": "real", "speed": 600})
    followed = release(ops, commit=head)
    assert (followed.status, followed.writes) == (0, []), followed.result.output
    assert "was under way already" in followed.words or "was out already" in followed.words
    assert len(executions(ops)) == before + 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [({"commit": "main"}, "takes the letters of a commit"), ({"commit": "0a1b2c3d4e5f"}, "knows none that begins so")],
)
def test_what_is_no_commit_is_refused(ops, developer, typed, said):
    run = release(ops, **typed)
    assert (run.status, run.writes) == (2, []), run.result.output
    assert said in run.words


@pytest.mark.full  # eight runs of playbooks
def test_it_goes_back_and_stays_there_until_the_next_release(ops, developer):
    first, second = developer.commit(), developer.commit()
    for commit in (first, second):
        assert release(ops, commit=commit).status == 0
    foreseen = ops.type("rollback", "--check", "--diff", name=NAME)
    assert (foreseen.status, foreseen.writes) == (0, []), foreseen.result.output
    back = ops.type("rollback", name=NAME)
    assert back.status == 0, back.result.output
    assert back.steps == foreseen.steps
    assert f"commit {first[:12]}" in back.words
    assert "deploys nothing by itself until the next release" in back.words
    assert serving(ops) == first
    again = ops.type("rollback", name=NAME)
    assert (again.status, again.changed, again.writes) == (0, 0, []), again.result.output
    assert ops.type("rollback", name=NAME, version="0" * 12).status == 2
    forward = release(ops, commit=second)
    assert forward.status == 0, forward.result.output
    assert "is released" in forward.words
