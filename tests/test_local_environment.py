"""`local_up.yml` and `local_down.yml` with a real engine: what is promised, what is foreseen, and what is said when something is wrong.

Two services are made and started once for all tests, the second without Celery. Each test leaves the first one running, however it
found it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT, Result, Workshop, environment, in_plays, playbook

pytestmark = pytest.mark.docker

# A stack trace of Ansible's, or of a module's.
TRACE = re.compile(r"Traceback|ansible/module_utils|AnsiballZ")


@dataclasses.dataclass(frozen=True)
class Service:
    """A service of this module's own, on a port that was free."""

    workshop: Workshop
    name: str
    port: int

    @property
    def path(self) -> pathlib.Path:
        return self.workshop.services / self.name

    def up(self, *options: object, env: dict[str, str] | None = None, **variables: object) -> Result:
        return self._play("local_up", *options, env=env, **variables)

    def down(self, *options: object, env: dict[str, str] | None = None, **variables: object) -> Result:
        return self._play("local_down", *options, env=env, **variables)

    def _play(self, verb: str, *options: object, env: dict[str, str] | None, **variables: object) -> Result:
        return playbook(verb, "-i", self.workshop.inventories / "local", *options, env=env, **{"name": self.name, **variables})

    def get(self, path: str = "/", **headers: str) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return answer.read().decode()

    def count(self, **headers: str) -> int:
        return int(re.search(r'id="count">(\d+)<', self.get(**headers)).group(1))

    def containers(self) -> dict[str, str]:
        """The state of each container, by service."""
        form = '{{.Label "com.docker.compose.service"}} {{.State}}'
        return dict(line.split() for line in self._labelled("container", "--all", "--format", form))

    def volumes(self) -> list[str]:
        return self._labelled("volume", "--format", "{{.Name}}")

    def images(self) -> list[str]:
        return docker("image", "ls", "--quiet", self.name)

    def _labelled(self, kind: str, *more: str) -> list[str]:
        return docker(kind, "ls", "--filter", f"label=com.docker.compose.project={self.name}", *more)


def docker(*arguments: str) -> list[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.splitlines()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def foreseen(result: Result) -> list[str]:
    """What `--diff` shows that is or would be done."""
    steps = re.findall(r"^\+((?:complete|create|build|recreate|restart|run again|resume|start|remove) .*)", result.output, re.MULTILINE)
    assert steps or result.changed == 0, result.output
    return steps


@contextlib.contextmanager
def changed(file: pathlib.Path, old: str, new: str) -> Iterator[None]:
    """A developer's change of a file, taken back at the end with the time of its last change."""
    text, times = file.read_text(), file.stat()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    try:
        yield
    finally:
        file.write_text(text)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.fixture(scope="module")
def services(tmp_path_factory) -> Iterator[tuple[Service, Service, Result]]:
    """Two services, started by one command that asks for a line of progress each second; removed with all that is theirs."""
    folder = tmp_path_factory.mktemp("local")
    workshop = Workshop(folder / "services", folder / "inventories")
    # Containers have names that no other run's have, be it one at the same time or one that was killed.
    own = uuid.uuid4().hex[:6]
    first, second = (Service(workshop, f"lenv-{own}-{number}", free_port()) for number in ("one", "two"))
    both = f"{first.name},{second.name}"
    for service, celery in ((first, "true"), (second, "false")):
        made = workshop.new_service(service.name, service_port=service.port, celery=celery)
        assert made.status == 0, made.output
    result = first.up(name=both.replace("-", "_"), env={"LITTLE_SERVICE_PROGRESS_INTERVAL": "1"})
    yield first, second, result
    first.down(name=both, scope="all", confirm=both)


@pytest.fixture
def service(services) -> Iterator[Service]:
    """The first service, running."""
    first, _, _ = services
    yield first
    assert all(state == "running" for name, state in first.containers().items() if name != "migrate"), "this test left it broken"


def assert_kind(result: Result, *words: str) -> None:
    """It failed with these words, in a form that a person reads."""
    assert result.status == 2, result.output
    for word in words:
        assert word in result.words, result.output
    assert result.output.count("fatal:") == 1
    # Our own code writes no stack trace; one of the service's own may be among the last words of a container.
    said = result.output.split("fatal:", 1)[0]
    assert not TRACE.search(said), result.output
    assert "invocation" not in result.output
    assert len(result.output.splitlines()) < 90, result.output


def test_both_come_up_side_by_side_and_their_addresses_are_printed(services):
    first, second, result = services
    assert result.status == 0, result.output
    for service, healthy in ((first, "beat, mysql, redis, web, worker"), (second, "mysql, web")):
        assert f'{service.name} is at http://127.0.0.1:{service.port}/ and says "Hello, World"' in result.words
        assert f"Healthy: {healthy}." in result.words
        assert f"... {service.name}: Complete the settings, build, start and wait for health, " in result.output
        assert service.count() == 1, "the smoke test is no visit"


def test_a_second_run_changes_nothing_and_costs_no_more_than_four_small_plays(services):
    first, second, _ = services
    both = first.up(name=f"{first.name},{second.name}")
    assert (both.status, both.changed) == (0, 0), both.output
    before = first.count(**{"Sec-Purpose": "prefetch"})
    again = []
    assert in_plays(lambda: again.append(first.up())) < 4
    assert (again[0].status, again[0].changed) == (0, 0), again[0].output
    assert first.count(**{"Sec-Purpose": "prefetch"}) == before
    assert second.count(**{"Sec-Purpose": "prefetch"}) == 1


def test_services_reach_each_other_by_name_and_publish_nothing_but_their_page(services):
    first, second, _ = services
    ask = f"import urllib.request as u; print(u.urlopen('http://{second.name}:8000/health/ready').status)"
    assert docker("exec", f"{first.name}-web-1", "python", "-c", ask) == ["200"]
    form = '{{.Label "com.docker.compose.service"}} {{.Ports}}'
    ports = docker("ps", "--filter", f"label=com.docker.compose.project={first.name}", "--format", form)
    assert [line.split(" ", 1)[1] for line in ports if "->" in line] == [f"127.0.0.1:{first.port}->8000/tcp"]


def test_whatever_was_killed_lost_or_changed_is_foreseen_and_mended(service):
    docker("kill", f"{service.name}-worker-1")
    docker("rm", "--force", f"{service.name}-redis-1")
    docker("pause", f"{service.name}-web-1")
    next((service.path / "server").glob("*/migrations/0001_initial.py")).touch()
    checked = service.up("--check", "--diff")
    assert service.containers()["web"] == "paused", "check mode changed something"
    real = service.up("--diff")
    assert real.status == 0, real.output
    assert foreseen(checked) == foreseen(real) == ["run again migrate", "create redis", "resume web", "start worker"]
    assert checked.changed == real.changed == 1
    assert service.up().changed == 0


def test_check_mode_knows_what_new_settings_and_a_new_image_would_change(service):
    before = service.images(), (service.path / ".env").read_bytes()
    recreated = [f"recreate {name}" for name in ("beat", "migrate", "web", "worker")]
    other_port = service.up("--check", "--diff", service_port=free_port())
    assert foreseen(other_port) == ["complete .env", *recreated]
    with changed(service.path / "requirements-dev.lock", "\n", "\n# as if renewed\n"):
        assert foreseen(service.up("--check", "--diff")) == [f"build the image {service.name}:dev", *recreated]
    assert (service.images(), (service.path / ".env").read_bytes()) == before
    assert service.up("--check").changed == 0


def test_of_a_migration_that_fails_the_last_words_are_shown(service):
    migration = next((service.path / "server").glob("*/migrations/0001_initial.py"))
    with changed(migration, "from django", 'raise RuntimeError("the database is on fire")\nfrom django'):
        migration.touch()
        failed = service.up()
    assert_kind(
        failed,
        f"{service.name} did not come up: migrate ended with exit status 1",
        "the database is on fire",
        f"make -C {service.path} logs of='migrate",
    )
    assert service.up().status == 0


def test_of_a_container_that_ends_again_and_again_the_last_words_are_shown_before_the_patience_ends(service):
    file = service.path / "docker-compose.override.yml"
    command = re.search(r"command: (\[watchfiles.*beat.*\])", file.read_text()).group(1)
    with changed(file, command, '[sh, -c, "echo no such moon; exit 3"]'):
        failed = service.up()
    assert_kind(failed, "beat ends again and again", "no such moon", "logs of='beat'")
    assert service.up().status == 0


def test_a_compose_file_and_a_dockerfile_that_cannot_be_read_are_shown_as_what_they_are(service):
    with changed(service.path / "docker-compose.yml", "services:", "services:\n  - web\n"):
        assert_kind(service.up(), f"The compose files of {service.name} in {service.path} cannot be used")
    with changed(service.path / "Dockerfile", "FROM base AS dev", "FROM base AS dev\nRUN no-such-program"):
        failed = service.up()
    assert_kind(failed, f"The image of {service.name} cannot be built", "no-such-program: not found", "reports/local_up.log")
    assert service.up().changed == 0


def test_a_taken_port_is_said_with_what_has_it_and_nothing_is_written(service):
    before = (service.path / ".env").read_bytes()
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        port = other.server_port
        program = pathlib.Path("/proc/self/comm").read_text().strip()
        taken = service.up(service_port=port)
        assert_kind(taken, f"Port {port} is taken by {program} (process {os.getpid()})", f"inventories/local/{service.name}.yml")
        assert_kind(service.up("--check", service_port=port), f"Port {port} is taken by")
        other.shutdown()
    assert (service.path / ".env").read_bytes() == before


def test_a_port_that_another_service_has_is_said_with_its_container(services):
    first, second, _ = services
    assert_kind(first.up(service_port=second.port), f"Port {second.port} is taken by the container {second.name}-web-1")


def test_a_database_whose_password_is_gone_is_not_started_with_another(service):
    (service.path / ".env").rename(service.path / ".env.kept")
    try:
        failed = service.up()
        assert not (service.path / ".env").exists()
    finally:
        (service.path / ".env.kept").rename(service.path / ".env")
    assert_kind(failed, ".env is gone", f"-e name={service.name} -e scope=all -e confirm={service.name}")


def test_a_full_disk_and_an_engine_out_of_reach_are_said_before_anything_is_done(service):
    assert_kind(service.up(docker_host_free_bytes=10**15), "The disk is nearly full")
    away = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    assert_kind(service.up(env=away), "unix:///nowhere/docker.sock does not answer")
    assert_kind(service.down(env=away), "Docker's engine cannot be used")


@pytest.mark.parametrize("verb", ["up", "down"])
def test_a_service_that_is_not_there_is_an_error_that_lists_those_that_are(service, verb):
    failed = getattr(service, verb)(name="lenv-three")
    assert failed.status != 0
    assert "There is no service lenv-three" in failed.words
    assert f"{service.name}, " in failed.words


def test_a_service_that_this_machine_does_not_have_is_said_to_be_elsewhere(service):
    elsewhere = playbook("local_up", "-i", service.workshop.inventories / "sandbox", name=service.name)
    assert_kind(elsewhere, f"{service.name} is not on this machine", f"inventories/local/{service.name}.yml")


def test_a_page_that_its_developer_changed_is_no_error(service):
    with changed(next((service.path / "server").glob("*/templates/page.html")), "Hello, World", "Good evening"):
        result = service.up()
    assert (result.status, result.changed) == (0, 0), result.output
    assert f"{service.name} is at http://127.0.0.1:{service.port}/ and its page answers." in result.words
    gone = service.up(local_environment_page="/moved-away")
    assert (gone.status, gone.changed) == (0, 0), gone.output
    assert f"{service.name} is at http://127.0.0.1:{service.port}/ and answers 404 for /moved-away." in gone.words


def test_a_page_that_cannot_be_shown_is_an_error(service):
    with changed(next((service.path / "server").glob("*/templates/page.html")), "Hello, World", "{% no_such_tag %}"):
        assert_kind(service.up(), f"{service.name} runs and does not answer as it should: /: ", "HTTP Error 500", "logs of=web")


def test_after_a_kill_of_the_play_running_it_again_is_the_cure(service):
    assert service.down().status == 0
    log = service.path / "reports/local_up.log"
    command = ["ansible-playbook", "local_up.yml", "-i", service.workshop.inventories / "local", "-e", f"name={service.name}"]
    play = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not (log.exists() and "mysql-1  Started" in log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(play.pid, signal.SIGKILL)
    play.wait()
    # What the killed play had begun goes on without it; the next run waits for that and takes up what is left.
    again = service.up()
    assert again.status == 0, again.output
    assert service.up().changed == 0


def test_stopped_it_keeps_its_data_and_needs_no_readable_compose_file_for_it(service):
    before = service.count()
    checked = service.down("--check", "--diff")
    assert service.containers()["web"] == "running"
    with changed(service.path / "docker-compose.yml", "services:", "services:\n  - web\n"):
        real = service.down("--diff")
    assert foreseen(checked) == foreseen(real)
    assert (real.status, real.changed) == (0, 1), real.output
    assert service.containers() == {}
    assert (service.down().status, service.down().changed) == (0, 0)
    up = service.up()
    assert up.status == 0, up.output
    assert service.count() == before + 1


@pytest.mark.parametrize("confirm", ["", "yes", "{other}", "{name},{other}"])
def test_data_is_removed_only_where_its_service_is_named_again(services, service, confirm):
    refused = service.down(scope="all", confirm=confirm.format(name=service.name, other=services[1].name))
    assert_kind(refused, f"scope=all removes the database of {service.name} for good", f"-e scope=all -e confirm={service.name}")
    assert service.containers()["web"] == "running"


def test_of_several_services_none_is_removed_unless_all_are_confirmed(services):
    first, second, _ = services
    refused = first.down(name=f"{first.name},{second.name}", scope="all", confirm=first.name)
    assert refused.status == 2
    assert f"-e confirm={first.name},{second.name}" in refused.words
    assert first.containers()["web"] == second.containers()["web"] == "running"


def test_an_unknown_scope_is_refused(service):
    assert_kind(service.down(scope="everything"), "scope is 'everything'; it can be containers (the default, the data is kept) or all.")


def test_data_and_images_are_removed_also_where_the_folder_is_gone_and_those_of_others_stay(services):
    first, second, _ = services
    shutil.rmtree(second.path)
    shared = docker("image", "ls", "--quiet", "localhost/little_service/*") + docker("image", "ls", "--quiet", "mysql")
    removed = second.down(scope="all", confirm=second.name)
    assert (removed.status, removed.changed) == (0, 1), removed.output
    assert (second.containers(), second.volumes(), second.images()) == ({}, [], [])
    assert second.down(scope="all", confirm=second.name).changed == 0
    assert first.containers()["web"] == "running"
    assert docker("image", "ls", "--quiet", "localhost/little_service/*") + docker("image", "ls", "--quiet", "mysql") == shared
