"""The sandbox as commands and playbooks start it, find it again and end it."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.sandbox.conftest import free_port

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Have the sandbox answer
      little_service.factory.sandbox_running: {url: "http://127.0.0.1:PORT"}
      register: sandbox
    - ansible.builtin.debug: {msg: "{{ sandbox.changed }} {{ sandbox.emptied }} {{ sandbox.pid }}"}
"""


class Place:
    """A port of a test's own, and what is typed about it."""

    def __init__(self, folder) -> None:
        self.port, self.folder = free_port(), folder
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "play.yml").write_text(PLAY.replace("PORT", str(self.port)), encoding="utf-8")
        self.environment = {**os.environ, "XDG_STATE_HOME": str(folder), "LITTLE_SERVICE_SANDBOX_URL": self.url, "AWS_PROFILE": "missing"}

    def begin(self, *words: object) -> subprocess.Popen:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen([str(word) for word in words], cwd=ROOT, env=self.environment, **pipes)

    def type(self, *words: object) -> tuple[int, str]:
        process = self.begin(*words)
        printed, _ = process.communicate(timeout=90)
        return process.returncode, printed

    def sandbox(self, verb: str) -> tuple[int, str]:
        return self.type(ROOT / "bin/sandbox", verb)

    def play(self, *more: str) -> list[object]:
        """The words that start the play: ansible.cfg is found, the inventory is two hosts at once."""
        connection = ["-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
        return [sys.executable, "-m", "ansible", "playbook", "-i", "a,b", *connection, *more, self.folder / "play.yml"]


@pytest.fixture
def place(tmp_path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.sandbox("stop")


def told(printed: str) -> set[tuple[str, ...]]:
    """What the play's last task printed: whether the sandbox was changed, whether it was emptied, its process."""
    return {tuple(found) for found in re.findall(r"(True|False) (True|False) (\d+)", printed)}


def test_the_command_starts_one_sandbox_finds_it_again_and_stops_it(place):
    assert place.sandbox("status")[0] == 3
    first, second = place.sandbox("start"), place.sandbox("start")
    assert (first[0], second[0]) == (0, 0), first[1] + second[1]
    assert "was started" in first[1]
    assert "runs on" in second[1]
    assert '"mode": "control"' in place.sandbox("status")[1]
    assert "is stopped, and its state is gone" in place.sandbox("stop")[1]
    assert "No sandbox runs" in place.sandbox("stop")[1]
    assert (place.folder / "little-service").stat().st_mode & 0o777 == 0o700


def test_another_emulator_on_the_port_is_left_alone(place):
    with emulator(place.port):
        for verb in ("start", "stop", "status"):
            status, printed = place.sandbox(verb)
            assert status == 1
            assert f"Something else listens on 127.0.0.1:{place.port} and is left alone" in printed
        status, printed = place.type(*place.play())
        assert status == 2
        assert "is left alone" in printed
        assert f"export LITTLE_SERVICE_SANDBOX_URL=http://127.0.0.1:{place.port + 1}" in " ".join(printed.split())


@contextlib.contextmanager
def emulator(port: int) -> Iterator[None]:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"services": {"s3": "running"}}')

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", port), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def test_playbooks_share_one_sandbox_which_outlives_them_and_say_where_its_state_is_gone(place):
    runs = [place.begin(*place.play("--check")) for _ in range(2)]
    printed = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], printed
    answers = told(printed[0]) | told(printed[1])
    assert len({pid for *_, pid in answers}) == 1
    assert sum(text.count("changed: [") for text in printed) == 1
    assert os.getsid(json.loads(place.sandbox("status")[1])["pid"]) not in {os.getsid(0), *(run.pid for run in runs)}
    place.sandbox("stop")
    status, again = place.type(*place.play("-v"))
    assert status == 0
    assert again.count("changed: [") == 1
    assert "It had ended since it last ran: what stood in it is gone." in " ".join(again.split())
