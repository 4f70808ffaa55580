"""What a service logged, in the order of its time, each line once; and a command inside it."""

from __future__ import annotations

import pathlib
import time

import pytest

from tests.aws.beanstalk import WEB, Beanstalk, declared

GROUP = "/aws/elasticbeanstalk/orbit-staging/var/log/eb-docker/containers/eb-current-app/stdouterr.log"
GROUPS = {"groups": [{"prefix": "/aws/elasticbeanstalk/orbit-staging/var/log/eb-docker/", "parts": ["web"]}]}


class Log:
    """A log group with two instances' streams."""

    def __init__(self, aws) -> None:
        self._client = aws.client("logs")
        self._client.create_log_group(logGroupName=GROUP)
        for stream in ("i-1", "i-2"):
            self._client.create_log_stream(logGroupName=GROUP, logStreamName=stream)

    def write(self, stream: str, message: str, seconds_ago: float = 0) -> None:
        event = {"timestamp": int((time.time() - seconds_ago) * 1000), "message": message}
        self._client.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=[event])


@pytest.fixture
def log(aws) -> Log:
    return Log(aws)


def lines(file: pathlib.Path) -> list[str]:
    return [line.partition(" ")[2] for line in file.read_text().splitlines()] if file.exists() else []


def test_lines_of_all_instances_come_in_the_order_of_their_time(aws, log, tmp_path):
    log.write("i-1", '{"part": "web", "n": 2}', 20)
    log.write("i-2", '{"part": "web", "n": 1}', 30)
    log.write("i-1", '{"part": "worker"}', 10)
    log.write("i-2", "too old", 700)
    told = aws.run("service_logs", log=str(tmp_path / "log"), **GROUPS)
    assert lines(tmp_path / "log") == ['web {"part": "web", "n": 1}', 'web {"part": "web", "n": 2}']
    assert (told["lines"], told["groups"], told.writes) == (2, [GROUP], [])


def test_the_oldest_are_left_out_where_there_are_too_many(aws, log, tmp_path):
    for number in range(5):
        log.write("i-1", f"line {number}", 50 - number)
    assert aws.run("service_logs", log=str(tmp_path / "log"), most=2, **GROUPS)["left_out"] == 3
    assert lines(tmp_path / "log") == ["stdouterr.log line 3", "stdouterr.log line 4"]


def test_a_group_that_is_not_there_yet_is_no_failure(aws, tmp_path):
    assert aws.run("service_logs", log=str(tmp_path / "log"), **GROUPS)["groups"] == []


def test_whoever_follows_gets_each_line_once_as_it_comes(aws, log, tmp_path):
    file = tmp_path / "log"
    log.write("i-1", "before")
    process = aws.start("service_logs", log=str(file), follow=True, **GROUPS)
    try:
        aws.wait_for(lambda: lines(file) == ["stdouterr.log before"])
        log.write("i-2", "after", 5)  # it comes later than it says
        aws.wait_for(lambda: lines(file) == ["stdouterr.log before", "stdouterr.log after"])
        time.sleep(0.5)
        assert len(lines(file)) == 2
    finally:
        process.kill()
        process.communicate()


def test_a_command_is_sent_to_one_instance_of_the_environment(aws, tmp_path):
    Beanstalk(aws)
    assert "does not stand" in aws.refused("service_command", environment="orbit-staging", command="true")
    aws.run("beanstalk_environment", **declared(WEB, wait=True))
    foreseen = aws.run("service_command", check=True, environment="orbit-staging", command="true")
    assert (foreseen.changed, foreseen.writes) == (True, [])
    ran = aws.run("service_command", environment="orbit-staging", command="echo 'a b' | cat", log=str(tmp_path / "log"))
    assert ran["rc"] == 0
    assert ran.writes == ["ssm:SendCommand"]
    (sent,) = aws.client("ssm").list_commands()["Commands"]
    assert sent["InstanceIds"] == [ran["instance"]]
    assert sent["Parameters"]["commands"] == ["docker compose exec -T web sh -c 'echo '\"'\"'a b'\"'\"' | cat'"]
    assert sent["Parameters"]["workingDirectory"] == ["/var/app/current"]
