"""The repository on GitHub: made and pushed to where a token is given, by a server that answers as GitHub's API does."""

from __future__ import annotations

import http.server
import json
import pathlib
import subprocess
import threading

import pytest

from tests.conftest import ROOT, Result, run

TOKEN = "a-token-of-the-tests-that-nobody-may-see"
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Have a repository on GitHub
      ansible.builtin.include_role: {name: aws_pipeline, tasks_from: github}
"""


class GitHub(http.server.ThreadingHTTPServer):
    """https://docs.github.com/en/rest/repos/repos: one user, one organization, and what was made."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.repositories: dict[str, dict] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answer(http.server.BaseHTTPRequestHandler):
    server: GitHub

    def do_GET(self) -> None:
        known = {"/user": {"login": "Ada", "url": f"{self.server.url}/users/Ada"}, "/orgs/example": {"login": "example"}}
        repositories = {f"/repos/{name}": told for name, told in self.server.repositories.items()}
        self.answer((known | repositories).get(self.path))

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        owner = {"/user/repos": "Ada", "/orgs/example/repos": "example"}[self.path]
        name = f"{owner}/{given['name']}"
        told = {"name": given["name"], "full_name": name, "private": given["private"], "description": None, "size": 0}
        self.server.repositories[name] = {**told, "url": f"{self.server.url}/repos/{name}"}
        self.answer(self.server.repositories[name], 201)

    def answer(self, told: dict | None, status: int = 200) -> None:
        if not self.headers["Authorization"].endswith(TOKEN):
            told, status = {"message": "Bad credentials"}, 401
        elif told is None:
            told, status = {"message": "Not Found"}, 404
        self.server.asked.append(f"{self.command} {self.path}")
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def github():
    with GitHub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """A service with a commit, and a remote that is empty."""
    for command in (
        ["init", "--quiet", "--bare", "remote"],
        ["init", "--quiet", "--initial-branch=main", "service"],
        ["-C", "service", "remote", "add", "origin", str(tmp_path / "remote")],
        ["-C", "service", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "--quiet", "--allow-empty", "-m", "First"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path / "service"


def have(github: GitHub, folder: pathlib.Path, repository: str, *options: str) -> Result:
    play = folder.parent / "play.yml"
    play.write_text(PLAY)
    given = {
        "aws_pipeline_repository": repository,
        "aws_pipeline_path": str(folder),
        "aws_pipeline_branch": "main",
        "aws_pipeline_github_api": github.url,
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    }
    env = {"GITHUB_TOKEN": TOKEN, "ANSIBLE_ROLES_PATH": str(ROOT / "roles"), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = run("ansible-playbook", play, "-vvv", "-e", json.dumps(given), *options, **env)
    assert TOKEN not in done.output
    return done


def head(repository: pathlib.Path) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "--verify", "--quiet", "main"], capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.mark.parametrize("owner", ["ada", "example"])
def test_it_is_made_private_by_its_owner_and_pushed_to_and_then_left_alone(github, folder, owner):
    name = f"{owner}/orbit"
    foreseen = have(github, folder, name, "--check")
    assert (foreseen.status, foreseen.changed) == (0, 2), foreseen.output
    assert github.repositories == {}
    made = have(github, folder, name)
    assert (made.status, made.changed) == (0, 2), made.output
    ((known, told),) = github.repositories.items()
    assert (known.lower(), told["private"]) == (name, True)
    assert head(folder.parent / "remote") == head(folder) != ""

    # GitHub counts what is in it some time later; the owner makes it public, and that is theirs to say.
    github.repositories[name] = {**told, "size": 12, "private": False}
    before = len(github.asked)
    again = have(github, folder, name)
    assert (again.status, again.changed) == (0, 0), again.output
    assert github.asked[before:] == [f"GET /repos/{name}"]


def test_a_push_that_did_not_arrive_is_made_up_for(github, folder):
    github.repositories["example/orbit"] = {"size": 0}
    done = have(github, folder, "example/orbit")
    assert (done.status, done.changed) == (0, 1), done.output
    assert head(folder.parent / "remote") == head(folder) != ""
