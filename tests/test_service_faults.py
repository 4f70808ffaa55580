"""What a service goes through: processes killed, Redis and MySQL away, a full disk, a clock that jumps. Nothing is lost, nobody helps.

The stack is the one of production (image, compose file, gunicorn), with a MySQL that keeps its data. A killed container is one whose
process is killed: Docker takes `docker kill` for an operator's wish and does not start it again.
"""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.service import Service, born, docker

pytestmark = [pytest.mark.docker, pytest.mark.full]

AWAY = 30  # seconds
KEEPING = """
services:
  mysql:
    volumes: !override ["mysql:/var/lib/mysql", "./docker/mysql-test-databases.sql:/docker-entrypoint-initdb.d/tests.sql:ro"]
volumes:
  mysql:
"""
SMALL_DISK = """
services:
  mysql:
    volumes: !override [{type: tmpfs, target: /var/lib/mysql, tmpfs: {size: 700m}}]
"""
FAKED_CLOCK = """
FROM {image}
USER 0
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends faketime
USER 1000
"""


class Stack:
    """A running service, asked from outside."""

    def __init__(self, service: Service, extra: str) -> None:
        self.service = service
        (service.path / "docker-compose.faults.yml").write_text(extra)
        self.files = {"COMPOSE_FILE": "docker-compose.yml:docker-compose.ci.yml:docker-compose.faults.yml"}

    def compose(self, *words: str) -> str:
        done = self.service.compose(*words, **self.files)
        assert done.status == 0, done.output
        return done.output

    def up(self) -> None:
        self.compose("up", "--build", "--detach", "--wait", "--wait-timeout", "180")
        self.at = self.address()

    def container(self, name: str) -> dict:
        (found,) = json.loads(docker("inspect", f"{self.service.name}-{name}-1"))
        return found

    def kill(self, name: str) -> None:
        """Kill the container's first process, as the kernel does where memory ends."""
        os.kill(self.container(name)["State"]["Pid"], signal.SIGKILL)

    def kill_one(self, name: str, words: str) -> None:
        """Kill the newest process of a container whose command line holds these words."""
        found = [line.split(None, 1) for line in docker("top", f"{self.service.name}-{name}-1", "-eo", "pid,args").splitlines()[1:]]
        os.kill(max(int(pid) for pid, command in found if words in command), signal.SIGKILL)

    def address(self) -> str:
        return self.container("web")["NetworkSettings"]["Networks"][f"{self.service.name}_default"]["IPAddress"]

    def answer(self, path: str = "/") -> tuple[int, str]:
        """An answer's status and its body; 0 where there is none."""
        connection = http.client.HTTPConnection(self.at, 8000, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": "web"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def ask(self, path: str = "/") -> int:
        return self.answer(path)[0]

    def ready(self) -> dict:
        """What the service says of itself, with the status of the answer."""
        status, body = self.answer("/health/ready")
        return {"answer": status, **(json.loads(body) if body else {})}

    def python(self, code: str) -> str:
        return self.compose("exec", "--no-TTY", "worker", "python", "server/manage.py", "shell", "--no-imports", "--command", code).strip()

    def counted(self) -> tuple[int, int]:
        """How many visits were counted, and how many the worker has recorded."""
        model = f"{self.service.name.replace('-', '_')}_app"
        printed = self.python(f"from {model}.models import Counter as C; c = C.objects.get(name='page'); print(c.value, c.recorded_value)")
        value, recorded = printed.splitlines()[-1].split()
        return int(value), int(recorded)

    def open_tasks(self) -> collections.Counter[str]:
        code = "from foundation.outbox.models import Entry; print(*Entry.objects.exclude(state='done').values_list('state', flat=True))"
        return collections.Counter(word for word in self.python(code).split() if word in ("waiting", "failed"))

    def depth(self, queue: str) -> int:
        return int(self.compose("exec", "--no-TTY", "redis", "redis-cli", "llen", queue))

    def settles(self, seconds: float = 120) -> None:
        """Every task that was written is done, by nobody's hand."""
        wait_for(lambda: not self.open_tasks(), seconds, self.open_tasks)
        value, recorded = self.counted()
        assert recorded == value

    @contextlib.contextmanager
    def load(self, clients: int = 4) -> Iterator[collections.Counter[int]]:
        """Visits without a pause; the statuses of their answers."""
        statuses: collections.Counter[int] = collections.Counter()
        stop, lock = threading.Event(), threading.Lock()

        def visit() -> None:
            while not stop.is_set():
                status = self.ask()
                with lock:
                    statuses[status] += 1
                if status != 200:
                    time.sleep(0.1)

        threads = [threading.Thread(target=visit) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield statuses
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def wait_for(condition: Callable[[], object], seconds: float, words: Callable[[], object] = lambda: "") -> float:
    """How long it took."""
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        if condition():
            return time.monotonic() - start
        time.sleep(1)
    raise AssertionError(f"not within {seconds} s: {words()}")


@contextlib.contextmanager
def stack(folder: pathlib.Path, kind: str, extra: str) -> Iterator[Stack]:
    with born(folder, kind) as service:
        found = Stack(service, extra)
        found.up()
        assert found.ask() == 200
        yield found


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("faults"), "fault", KEEPING) as found:
        yield found


def exact(before: int, after: int, statuses: collections.Counter[int]) -> None:
    """Each visit that was answered counts once; one without an answer may have been counted before it was lost."""
    asked, answered = sum(statuses.values()), statuses[200]
    assert answered <= after - before <= asked, statuses


def test_a_worker_that_is_killed_in_mid_task_loses_none(running):
    before, _ = running.counted()
    with running.load() as statuses:
        for _ in range(3):
            time.sleep(2)
            running.kill_one("worker", "celery")  # one of its hands
        time.sleep(2)
        running.kill("worker")
    assert set(statuses) == {200}
    wait_for(lambda: running.container("worker")["State"]["Health"]["Status"] == "healthy", 90)
    exact(before, running.counted()[0], statuses)
    running.settles(180)


def test_pages_answer_without_redis_and_what_was_asked_is_done_when_it_is_back_with_nothing_in_it(running):
    before, _ = running.counted()
    running.compose("rm", "--stop", "--force", "--volumes", "redis")
    with running.load(2) as statuses:
        wait_for(lambda: running.ready().get("status") == "degraded", 15)
        assert running.ready()["checks"]["redis"]["ok"] is False
        assert running.ask("/health/live") == 200
        time.sleep(AWAY)
    assert set(statuses) == {200}
    running.compose("up", "--detach", "--no-deps", "redis")
    exact(before, running.counted()[0], statuses)
    running.settles()


def test_while_mysql_is_away_the_service_says_so_and_comes_back_by_itself(running):
    before, _ = running.counted()
    with running.load() as statuses:
        time.sleep(3)
        running.compose("stop", "mysql")
        wait_for(lambda: running.ready()["answer"] == 503, 20)
        assert running.ready()["checks"]["mysql"]["ok"] is False
        assert running.ask("/health/live") == 200
        time.sleep(AWAY)
        running.compose("start", "mysql")
        took = wait_for(lambda: running.ask("/health/ready") == 200, 60)
        time.sleep(3)
    print(f"ready {took:.0f} s after MySQL was started, {dict(statuses)}")
    assert statuses[200] and set(statuses) <= {200, 500, 503, 0}
    exact(before, running.counted()[0], statuses)
    running.settles()


def test_a_web_worker_that_is_killed_under_load_takes_only_its_own_requests_with_it(running):
    before, _ = running.counted()
    with running.load() as statuses:
        for _ in range(3):
            time.sleep(2)
            running.kill_one("web", "gunicorn")
        time.sleep(3)
    assert sum(count for status, count in statuses.items() if status != 200) <= 3 * 4  # what the four clients had under way
    exact(before, running.counted()[0], statuses)
    running.settles()


def test_a_web_container_that_is_killed_comes_back(running):
    running.kill("web")
    assert wait_for(lambda: running.ask("/health/ready") == 200, 60) < 60
    running.settles()


@pytest.mark.parametrize("jump", ["+7200", "-7200"])
def test_beat_goes_on_when_its_clock_jumps(running, jump, tmp_path):
    """Work that is due is sent within seconds, whichever way the clock went."""
    image = f"{running.service.name}:faketime"
    (tmp_path / "Dockerfile").write_text(FAKED_CLOCK.format(image=f"{running.service.name}:runtime"))
    docker("build", "--quiet", "--tag", image, str(tmp_path))
    tmp_path.chmod(0o755)  # another user reads it there
    offset = tmp_path / "offset"
    offset.write_text("+0")
    (library,) = docker("run", "--rm", "--entrypoint", "sh", image, "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1").split()
    preload = ["--env", f"LD_PRELOAD={library}", "--env", "FAKETIME_TIMESTAMP_FILE=/clock/offset", "--env", "FAKETIME_NO_CACHE=1"]
    # Monotonic time is no affair of the clock's.
    preload += ["--env", "DONT_FAKE_MONOTONIC=1", "--volume", f"{tmp_path}:/clock"]
    variables = [word for each in running.container("beat")["Config"]["Env"] for word in ("--env", each)]
    # What beat sends is counted in its queue, from which nobody takes anything meanwhile.
    running.compose("stop", "beat", "worker")
    beat = docker("run", "--detach", "--network", f"{running.service.name}_default", *variables, *preload, image, "beat").strip()
    try:
        wait_for(lambda: running.depth("housekeeping"), 60, lambda: log_of(beat))
        before = running.depth("housekeeping")
        offset.write_text(jump)
        wait_for(lambda: running.depth("housekeeping") >= before + 3, 45, lambda: log_of(beat)[-2000:])
    finally:
        docker("rm", "--force", beat)
        docker("image", "rm", "--force", image)
        running.compose("start", "beat", "worker")
    running.settles()


def log_of(container: str) -> str:
    done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_of_a_full_disk_nothing_is_lost_that_was_answered(tmp_path):
    with stack(tmp_path, "full", SMALL_DISK) as running:
        filled = "dd if=/dev/zero of=/var/lib/mysql/filler bs=1M 2>/dev/null; df -k /var/lib/mysql | tail -1"
        before, _ = running.counted()
        print(running.compose("exec", "--no-TTY", "--user", "0", "mysql", "sh", "-c", filled))
        with running.load(2) as statuses:
            time.sleep(20)
            assert running.ask("/health/live") == 200
            running.compose("exec", "--no-TTY", "--user", "0", "mysql", "rm", "/var/lib/mysql/filler")
            wait_for(lambda: running.ask("/health/ready") == 200 and running.ask() == 200, 60)
            time.sleep(3)
        print(dict(statuses))
        exact(before, running.counted()[0], statuses)
        running.settles()
