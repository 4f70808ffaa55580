"""What a developer types in a service's folder: each command of its Makefile that has to do with what runs."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator

import pytest

from tests.conftest import Result, run
from tests.service import Service, born, free_port

pytestmark = [pytest.mark.docker, pytest.mark.full]


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    with born(tmp_path_factory.mktemp("commands"), "typed") as service:
        run("bin/dotenv", f"SERVICE_PORT={free_port()}", cwd=service.path)
        up = service.make("up")
        assert up.status == 0, up.output
        assert f"http://127.0.0.1:{service.variable('SERVICE_PORT')}/" in up.output
        yield service


def visit(service: Service) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{service.variable('SERVICE_PORT')}/", timeout=30) as answer:
        return int(re.search(r'id="count">(\d+)<', answer.read().decode())[1])


def typed(service: Service, target: str, words: str) -> Result:
    """``make TARGET`` with these words typed into what it opens."""
    return run("sh", "-c", f"printf '%s\\n' '{words}' | make {target}", cwd=service.path)


def test_help_names_every_command(service):
    shown = service.make("help").output
    assert {"up", "down", "backup", "restore", "browser", "lint-migrations"} <= {line.split()[1] for line in shown.splitlines()}


def test_what_was_backed_up_comes_back_to_the_byte(service):
    before = visit(service)
    written = service.make("backup", "to=backups/first.sql.gz")
    assert written.status == 0, written.output
    assert (service.path / "backups/first.sql.gz").stat().st_mode & 0o077 == 0, "it is for its owner alone"
    assert visit(service) == before + 1

    restored = service.make("restore", "from=backups/first.sql.gz")
    assert restored.status == 0, restored.output
    assert service.make("migrate").status == 0
    again = service.make("backup", "to=backups/second.sql.gz")
    assert again.status == 0, again.output
    same = "zcat backups/first.sql.gz > 1 && zcat backups/second.sql.gz > 2 && grep counter 1 | cmp - /dev/stdin <<E\n$(grep counter 2)\nE"
    assert run("sh", "-c", f"{same}; rm 1 2", cwd=service.path).output == ""
    assert visit(service) == before + 1


def test_a_backup_that_is_broken_destroys_nothing(service):
    before = visit(service)
    (service.path / "backups/broken.sql.gz").write_bytes(b"not gzip")
    assert service.make("restore", "from=backups/broken.sql.gz").status != 0
    refused = service.make("restore", "from=backups/none.sql.gz")
    assert refused.status != 0
    assert "Which one? make restore from=FILE; there are:" in refused.output
    assert visit(service) == before + 1


def test_tasks_says_what_celery_is_doing(service):
    shown = service.make("tasks")
    assert shown.status == 0, shown.output
    assert re.search(r"-> {2}celery@\w+: OK", shown.output), shown.output
    for line in ("In the queue default: ", "Tasks waiting: ", "Tasks failed: ", "Outbox lag seconds: "):
        assert line in shown.output


@pytest.mark.parametrize(
    ("target", "words", "answer"),
    [
        ("shell", "pwd", "/service"),
        ("django-shell", "print(Counter.objects.count() > 0, User.__name__)", "True User"),
        ("dbshell", "SELECT CONCAT(DATABASE(), CHAR(33));", "_db!"),
        ("redis-cli", "PING", "PONG"),
    ],
)
def test_a_shell_opens_where_one_wants_to_be(service, target, words, answer):
    compose = service.path / "Makefile"
    text = compose.read_text()
    # A test has no terminal, which `docker compose exec` would otherwise ask for.
    compose.write_text(text.replace("docker compose exec ", "docker compose exec -T "))
    try:
        opened = typed(service, target, words)
    finally:
        compose.write_text(text)
    assert opened.status == 0, opened.output
    assert answer in opened.output, opened.output


def test_a_token_opens_the_api(service):
    token = service.make("token", "for=ledger", "days=1").output.split()[-1]
    address = f"http://127.0.0.1:{service.variable('SERVICE_PORT')}/api/v1/counters/"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the address is our own
        assert answer.status == 200


def test_the_api_answers_as_its_schema_says(service):
    done = service.make("fuzz")
    assert done.status == 0, done.output
    assert "No issues found" in done.output


def test_stopped_it_keeps_what_it_counted(service):
    before = visit(service)
    assert service.make("down").status == 0
    assert service.make("up").status == 0
    assert visit(service) == before + 1
