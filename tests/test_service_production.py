"""A service as production runs it: its image, its compose file, its settings. Looked at from outside, with bad manners too."""

from __future__ import annotations

import http.client
import json
import re
import socket
import tarfile
import time
from collections.abc import Iterator

import pytest

from tests.conftest import run
from tests.service import Service, born, docker

pytestmark = [pytest.mark.docker, pytest.mark.full]

COMPOSE = {"COMPOSE_FILE": "docker-compose.yml:docker-compose.ci.yml"}
SERVICES = ["web", "worker", "beat", "migrate"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    with born(tmp_path_factory.mktemp("production"), "prod") as service:
        environment = {**COMPOSE, "SERVICE_COMMIT": COMMIT, "SERVICE_BUILT_AT": "2026-01-02T03:04:05Z"}
        up = service.compose("up", "--build", "--detach", "--wait", "--wait-timeout", "180", **environment)
        assert up.status == 0, up.output + service.compose("logs", "--tail", "30", **COMPOSE).output
        yield service


def container(service: Service, name: str) -> dict:
    (found,) = json.loads(docker("inspect", f"{service.name}-{name}-1"))
    return found


def address(service: Service) -> str:
    networks = container(service, "web")["NetworkSettings"]["Networks"]
    return networks[f"{service.name}_default"]["IPAddress"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_may_do_little(service, name):
    found = container(service, name)
    host = found["HostConfig"]
    assert found["Config"]["User"] == "1000"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] == 512 * 1024**2
    assert host["PidsLimit"] == 256
    assert not host["Privileged"]
    assert host["Binds"] in (None, [])


def test_nothing_but_the_memory_can_be_written_to(service):
    tried = service.compose("exec", "--no-TTY", "web", "sh", "-c", "id -u; touch /tmp/x && echo here; touch /service/x", **COMPOSE)
    assert tried.output.splitlines()[:2] == ["1000", "here"]
    assert "Read-only file system" in tried.output


def test_no_secret_is_in_the_image_or_in_what_is_told_of_it(service, tmp_path):
    image = f"{service.name}:runtime"
    secrets = [service.variable(name) for name in ("DJANGO_SECRET_KEY", "DATABASE_PASSWORD", "MYSQL_ROOT_PASSWORD", "METRICS_TOKEN")]
    told = docker("image", "inspect", image) + docker("history", "--no-trunc", image)
    assert not [secret for secret in secrets if secret in told]
    assert not re.search(r"SECRET_KEY|PASSWORD|TOKEN", told)
    docker("save", "--output", str(tmp_path / "image.tar"), image)
    found = []
    with tarfile.open(tmp_path / "image.tar") as layers:
        for member in layers:
            if member.isfile():
                found += [member.name for secret in secrets if secret.encode() in layers.extractfile(member).read()]
    assert found == []
    inside = service.compose("run", "--rm", "--no-deps", "--no-TTY", "web", "ls", "-A", "/service", **COMPOSE)
    assert inside.output.split() == ["server", "static"]


def ask(service: Service, head: str, body: bytes = b"") -> tuple[int, dict[str, str], str]:
    """What is answered to these very bytes."""
    with socket.create_connection((address(service), 8000), timeout=15) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()


HOST = "Host: web:8000\nConnection: close"
JSON = f"{HOST}\nContent-Type: application/json"
POST = "POST /api/v1/counters/ HTTP/1.1\n"
BAD_INPUT = {
    "a body that is too large": (f"{POST}{JSON}\nContent-Length: 100000000", b"[", 413),
    "a body without a length": (f"{POST}{JSON}\nTransfer-Encoding: chunked", b"2\r\n[]\r\n0\r\n\r\n", 401),
    "an unknown host": ("GET /api/v1/counters/ HTTP/1.1\nHost: evil.example\nConnection: close", b"", 400),
    "no host": ("GET /api/v1/counters/ HTTP/1.0", b"", 400),
    "a host that is none": ("GET /api/v1/counters/ HTTP/1.1\nHost: {{7*7}}\nConnection: close", b"", 400),
    "an unknown path": (f"GET /api/nowhere HTTP/1.1\n{HOST}", b"", 404),
    "a path of another encoding": (f"GET /api/v1/%ff%fe/ HTTP/1.1\n{HOST}", b"", 404),
    "a path with a NUL": (f"GET /api/v1/counters/%00/ HTTP/1.1\n{HOST}", b"", 404),
    "SQL in the path": (f"GET /api/v1/counters/1%20OR%201=1/ HTTP/1.1\n{HOST}", b"", 404),
    "a template in the path": (f"GET /api/v1/{{{{7*7}}}} HTTP/1.1\n{HOST}", b"", 404),
    "a way out of the folder": (f"GET /api/../../etc/passwd HTTP/1.1\n{HOST}", b"", 404),
    "a token of another encoding": (f"GET /api/v1/counters/ HTTP/1.1\n{HOST}\nAuthorization: Bearer \xff\xfe", b"", 401),
    "a charset that is none": (f"{POST}{HOST}\nContent-Type: application/json; charset=rot13\nContent-Length: 2", b"[]", 415),
    "a method that is none": (f"BREW /api/v1/counters/ HTTP/1.1\n{HOST}", b"", 401),
    "a huge page": (f"GET /api/v1/counters/?page_size=99999999999999999999&cursor=99999 HTTP/1.1\n{HOST}", b"", 401),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_INPUT)
def test_bad_input_is_answered_by_a_problem(service, kind):
    head, body, status = BAD_INPUT[kind]
    answered, headers, text = ask(service, head, body)
    assert answered == status, text
    assert headers["content-type"] == "application/problem+json", text
    problem = json.loads(text)
    assert problem["status"] == status
    assert problem["request_id"] == headers["x-request-id"]
    assert set(problem) == {"type", "title", "status", "detail", "request_id"}


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (f"GET /{'a' * 9000} HTTP/1.1\n{HOST}", b""),
        (f"GET / HTTP/1.1\n{HOST}\nX-Long: {'a' * 70000}", b""),
        (f"GET / HTTP/1.1\n{HOST}\nBad Header: x", b""),
        ("\x16\x03\x01 this is TLS", b""),
        (f"{POST}{JSON}\nContent-Length: -1", b""),
        (f"POST /login/ HTTP/1.1\n{HOST}\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 2000000", b"a="),
        (f"POST /login/ HTTP/1.1\n{HOST}\nContent-Type: multipart/form-data; boundary=\nContent-Length: 2", b"xx"),
        ("GET / HTTP/1.1\nHost: evil.example\nConnection: close", b""),
    ],
)  # fmt: skip
def test_bad_manners_elsewhere_are_refused_and_nothing_is_told(service, head, body):
    status, _, text = ask(service, head, body)
    assert 400 <= status < 500, text
    assert "Traceback" not in text
    assert "Django" not in text


def test_after_all_of_that_it_answers_and_logged_no_error(service):
    assert ask(service, f"GET /health/ready HTTP/1.1\n{HOST}")[0] == 200
    levels = {line["level"] for line in lines(service, "web")}
    assert "error" not in levels


def log(service: Service, name: str) -> list[dict]:
    """What the container wrote: every line is JSON."""
    written = run("docker", "logs", f"{service.name}-{name}-1").output
    return [json.loads(line) for line in written.splitlines()]


def lines(service: Service, name: str) -> list[dict]:
    return [line for line in log(service, name) if "_aws" not in line]


def measured(service: Service, name: str) -> list[dict]:
    return [line for line in log(service, name) if "_aws" in line]


def eventually(promise, seconds: float):
    deadline = time.monotonic() + seconds
    while not (kept := promise()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(1)
    return kept


def test_a_request_can_be_followed_from_the_web_to_the_worker(service):
    assert ask(service, f"GET / HTTP/1.1\n{HOST}\nX-Request-ID: order-7")[0] == 200
    (asked,) = [line for line in lines(service, "web") if line.get("request_id") == "order-7"]
    assert (asked["event"], asked["route"], asked["status"]) == ("GET / 200", "", 200)
    (done,) = eventually(lambda: [line for line in lines(service, "worker") if line.get("request_id") == "order-7"], 30)
    assert done["task"].endswith(".tasks.record_visit")
    assert len(done["task_id"]) == 36


def test_cloudwatch_finds_its_numbers_in_the_log_of_web_and_worker(service):
    requests = eventually(lambda: measured(service, "web"), 90)[0]
    tasks = eventually(lambda: measured(service, "worker"), 90)[0]
    for line, names in (
        (requests, {"Requests", "ServerErrors", "RequestMilliseconds"}),
        (tasks, {"QueueDepth", "TasksWaiting", "TasksFailed", "TasksDoneLastMinute", "OutboxLagSeconds"}),
    ):
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert {metric["Name"] for metric in directive["Metrics"]} == names
        assert names <= line.keys()
        assert line["Service"] == service.name


def test_metrics_are_for_whoever_has_the_token_and_the_version_for_everybody(service):
    assert ask(service, f"GET /metrics HTTP/1.1\n{HOST}")[0] == 404
    token = service.variable("METRICS_TOKEN")
    status, _, text = ask(service, f"GET /metrics HTTP/1.1\n{HOST}\nAuthorization: Bearer {token}")
    assert status == 200
    assert re.search(r'http_request_duration_seconds_count\{.*status="404"\} \d', text)
    assert re.search(r'^queue_depth\{queue="default"\} ', text, re.MULTILINE)
    assert json.loads(ask(service, f"GET /version HTTP/1.1\n{HOST}")[2]) == {"commit": COMMIT, "built_at": "2026-01-02T03:04:05Z"}


def test_a_load_balancer_asks_by_address_and_cheaply(service):
    for path in ("live", "ready"):
        head = f"GET /health/{path} HTTP/1.1\nHost: {address(service)}:8000\nConnection: close"
        assert ask(service, head)[0] == 200
    begun = time.monotonic()
    for _ in range(20):
        ask(service, head)
    assert (time.monotonic() - begun) / 20 < 0.25, "a second is its period"


def test_django_finds_nothing_to_warn_of(service):
    environment = ["--env", "DJANGO_SETTINGS_MODULE=config.environments.production", "--env", "DJANGO_ALLOWED_HOSTS=example.org"]
    check = ["python", "server/manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    checked = service.compose("run", "--rm", "--no-deps", "--no-TTY", *environment, "web", *check, **COMPOSE)
    assert checked.status == 0, checked.output
    assert "System check identified no issues" in checked.output


@pytest.mark.parametrize("value", ["", "change-me", "0" * 64, "short"])
@pytest.mark.parametrize("name", ["DJANGO_SECRET_KEY", "DATABASE_PASSWORD", "METRICS_TOKEN"])
def test_production_does_not_start_with_a_secret_that_is_none(service, name, value):
    if (name, value) == ("METRICS_TOKEN", ""):
        return  # then /metrics is not there
    started = run(
        "docker", "run", "--rm", "--network", "none", "--env-file", ".env", "--env", f"{name}={value}",
        "--env", "DJANGO_ALLOWED_HOSTS=example.org", f"{service.name}:runtime", "web", "--check-config", cwd=service.path,
    )  # fmt: skip
    assert started.status != 0, started.output
    assert re.search(rf"The environment variable {name} is (?:missing|too weak)", started.output), started.output
    assert not value or value not in started.output


def test_worker_and_beat_do_not_start_with_them_either(service):
    for command in ("worker", "beat", "migrate"):
        started = run(
            "docker", "run", "--rm", "--network", "none", "--env-file", ".env", "--env", "DJANGO_SECRET_KEY=change-me",
            "--env", "DJANGO_ALLOWED_HOSTS=example.org", f"{service.name}:runtime", command, cwd=service.path,
        )  # fmt: skip
        assert started.status != 0, started.output
        assert "The environment variable DJANGO_SECRET_KEY is too weak" in started.output, started.output


def test_whoever_stops_it_waits_no_longer_than_it_works(service):
    begun = time.monotonic()
    assert service.compose("stop", "web", "worker", "beat", **COMPOSE).status == 0
    assert time.monotonic() - begun < 35
    for name in ("web", "worker", "beat"):
        state = container(service, name)["State"]
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False), name
