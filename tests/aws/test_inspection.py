"""`logs.yml` and `exec.yml` as they are typed."""

from __future__ import annotations

import time

import pytest

from tests.aws.operator import Operator

NAME = "orbit-ledger"
GROUP = f"/aws/elasticbeanstalk/{NAME}-sandbox/var/log/eb-docker/containers/eb-current-app/stdouterr.log"


@pytest.fixture
def ops(cloud, tmp_path) -> Operator:
    operator = Operator.at(cloud, tmp_path)
    operator.has(NAME)
    return operator


def write(ops: Operator, group: str, *messages: str) -> None:
    client = ops.cloud.client("logs")
    client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName=group, logStreamName="one")
    now = int(time.time() * 1000)
    client.put_log_events(logGroupName=group, logStreamName="one", logEvents=[{"timestamp": now, "message": one} for one in messages])


def test_lines_are_shown_as_they_are(ops):
    write(ops, GROUP, '{"part": "web", "event": "GET / 200"}', '{"part": "beat", "event": "tick"}')
    write(ops, f"/aws/codebuild/{NAME}-sandbox", "Phase complete: BUILD")
    web = ops.type("logs", name=NAME, source="web")
    assert (web.status, web.changed, web.writes) == (0, 0, []), web.result.output
    assert 'web {"part": "web", "event": "GET / 200"}\n' in web.result.output
    assert "tick" not in web.result.output
    both = ops.type("logs", name=NAME, since="1h", env={"LITTLE_SERVICE_PROGRESS_INTERVAL": "0"})
    assert all(word in both.result.output for word in ("GET / 200", "tick"))
    assert "2 lines of the last 1h" in both.words
    assert "Phase complete: BUILD" in ops.type("logs", name=NAME, source="build").result.output
    assert "There is no log of it yet" in ops.type("logs", name=NAME, source="platform").words


@pytest.mark.parametrize(
    ("verb", "typed", "said"),
    [
        ("logs", {"source": "database"}, "takes web, worker, build, platform"),
        ("logs", {"since": "yesterday"}, "such as 10m"),
        ("exec", {"command": "python server/manage.py flush"}, "Ansible has cut the command at its first blank, and nothing was run"),
        ("exec", {}, "Say which command"),
        ("exec", {"command": '"python server/manage.py check"'}, "Nothing runs in the sandbox's control mode"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(ops, verb, typed, said):
    run = ops.type(verb, name=NAME, **typed)
    assert (run.status, run.writes) == (2, []), run.result.output
    assert said in run.words
