"""What runs before the first release."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request

import pytest
import yaml

from tests.conftest import ROOT

COMPOSE = ROOT / "roles/aws_runtime/files/placeholder/docker-compose.yml"


@pytest.fixture
def program() -> str:
    (service,) = yaml.safe_load(COMPOSE.read_text())["services"].values()
    *python, text = service["command"]
    assert python == ["python", "-uc"]
    # In a container the port is the container's own. Here a free one is taken, and told.
    serve = 'http.server.ThreadingHTTPServer(("", 8000), Placeholder).serve_forever()'
    assert serve in text
    return text.replace(
        serve, 'server = http.server.HTTPServer(("127.0.0.1", 0), Placeholder); print(server.server_port); server.serve_forever()'
    )


def test_it_answers_every_path_and_says_what_to_do_next(program):
    environment = {**os.environ, "SERVICE_NAME": "orbit", "SERVICE_ENVIRONMENT": "staging"}
    command = [sys.executable, "-uc", program]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            port = process.stdout.readline().strip()
            for path in ("/", "/health/live", "/health/ready"):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                    assert answer.status == 200
                    words = answer.read().decode()
        finally:
            process.terminate()
    assert words == (
        "orbit has its place in staging, and nothing is released yet.\n"
        "To release the first version, type: ansible-playbook release.yml -i inventories/staging -e name=orbit\n"
    )


def test_it_may_do_nothing_but_that():
    (service,) = yaml.safe_load(COMPOSE.read_text())["services"].values()
    assert (service["read_only"], service["cap_drop"], service["user"]) == (True, ["ALL"], "65534:65534")
    assert service["ports"] == ["80:8000"]
    assert "$" not in service["command"][-1], "Compose would fill it in."
