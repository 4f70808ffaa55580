"""What is said of Docker's engine: a table of what clients answer, and the promises that hang on it."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.little_service.factory.plugins.modules import docker_engine_info

LOCAL = "unix:///var/run/docker.sock"
PLUGINS = [{"Name": "buildx", "Version": "0.13.1"}, {"Name": "compose", "Version": "2.26.1"}]
CLIENT = {"ClientInfo": {"Context": "default", "Plugins": PLUGINS}}
ENGINE = {**CLIENT, "ServerVersion": "26.1.5", "DockerRootDir": "/"}
SILENT = {**CLIENT, "ServerErrors": [f"Cannot connect to the Docker daemon at {LOCAL}. Is the docker daemon running?"]}
REFUSED = {**CLIENT, "ServerErrors": [f"permission denied while trying to connect to the Docker daemon socket at {LOCAL}"]}


@pytest.fixture
def machine(tmp_path, monkeypatch, capsys):
    """Ask a machine whose client answers thus."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    # Where dockerd of the machine that runs the tests may lie.
    monkeypatch.setattr(docker_engine_info, "SYSTEM_PATH", "")

    def ask(info=None, *, dockerd=False, context="", words="", **environment):
        programs = tmp_path / "bin"
        programs.mkdir()
        scripts = {"dockerd": ""} if dockerd else {}
        if info is not None:
            (tmp_path / "info.json").write_text(json.dumps(info) if info else "")
            scripts["docker"] = f"case $1 in info) /bin/cat '{tmp_path}/info.json'; echo '{words}' >&2 ;; context) echo '{context}' ;; esac"
        for name, script in scripts.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(programs))
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        with patch_module_args({}), pytest.raises(SystemExit) as end:
            docker_engine_info.main()
        assert end.value.code == 0
        return json.loads(capsys.readouterr().out)

    return ask


@pytest.mark.parametrize(
    ("info", "dockerd", "expected", "missing"),
    [
        (None, False, "absent", ["engine", "compose", "buildx"]),
        (SILENT, False, "absent", ["engine"]),
        (None, True, "absent", ["engine", "compose", "buildx"]),
        (SILENT, True, "not_running", []),
        (REFUSED, True, "not_permitted", []),
        (ENGINE, True, "ready", []),
    ],
    ids=["nothing", "a client alone", "an engine without a client", "asleep", "no right to the socket", "ready"],
)
def test_what_stands_in_the_way_is_told(machine, info, dockerd, expected, missing):
    answer = machine(info, dockerd=dockerd)
    assert (answer["state"], answer["missing"], answer["changed"]) == (expected, missing, False)


@pytest.mark.parametrize(
    ("plugins", "missing"),
    [
        ([], ["compose", "buildx"]),
        ([PLUGINS[0]], ["compose"]),
        ([PLUGINS[1]], ["buildx"]),
        ([PLUGINS[0], {"Name": "compose", "Version": "1.29.2"}], ["compose"]),
        ([PLUGINS[0], {"Name": "compose", "Version": "v2.40.0", "Err": "exec format error"}], ["compose"]),
        ([PLUGINS[0], {"Name": "compose", "Version": "v2.40.0"}], []),
        ([PLUGINS[0], {"Name": "compose", "Version": "5.0.1"}], []),
    ],
)
def test_an_engine_without_a_plugin_that_works_is_told_from_a_ready_one(machine, plugins, missing):
    answer = machine({**ENGINE, "ClientInfo": {"Context": "default", "Plugins": plugins}}, dockerd=True)
    assert (answer["state"], answer["missing"]) == ("no_compose" if missing else "ready", missing)


def test_an_engine_elsewhere_that_is_silent_is_not_taken_for_one_that_is_absent(machine):
    answer = machine({**CLIENT, "ServerErrors": ["i/o timeout"]}, DOCKER_HOST="tcp://192.0.2.1:2375")
    assert (answer["state"], answer["endpoint"], answer["error"]) == ("unreachable", "tcp://192.0.2.1:2375", "i/o timeout")


def test_docker_desktop_that_is_not_open_is_reached_by_its_context(machine):
    socket = "unix:///Users/ada/.docker/run/docker.sock"
    desktop = {**SILENT, "ClientInfo": {"Context": "desktop-linux", "Plugins": PLUGINS}}
    answer = machine(desktop, context=socket)
    assert (answer["state"], answer["endpoint"]) == ("unreachable", socket)


def test_a_key_that_ssh_refuses_is_no_matter_of_the_docker_group(machine):
    answer = machine({**CLIENT, "ServerErrors": ["Permission denied (publickey)"]}, DOCKER_HOST="ssh://build")
    assert answer["state"] == "unreachable"


def test_an_address_that_is_none_is_told_in_the_clients_words(machine):
    answer = machine({}, words="unable to parse docker host", DOCKER_HOST="foo")
    assert (answer["state"], answer["error"]) == ("unreachable", "unable to parse docker host")


@pytest.mark.parametrize("spelling", ["unix:///run/docker.sock", LOCAL])
def test_every_spelling_of_the_local_socket_is_local(machine, spelling):
    assert machine(SILENT, dockerd=True, DOCKER_HOST=spelling)["state"] == "not_running"


def test_the_room_is_that_of_the_engines_own_folder(machine):
    answer = machine(ENGINE, dockerd=True)
    assert (answer["data_root"], answer["free_bytes"] > 0) == ("/", True)


def test_the_room_is_known_before_the_engine_is_there(machine):
    assert machine(None)["free_bytes"] > 0


@pytest.mark.parametrize(
    ("info", "environment"),
    [({**ENGINE, "DockerRootDir": "/nowhere/docker"}, {}), (ENGINE, {"DOCKER_HOST": "tcp://192.0.2.1:2375"})],
    ids=["in a virtual machine", "elsewhere"],
)
def test_the_room_of_an_engine_that_is_not_here_is_not_guessed(machine, info, environment):
    answer = machine(info, **environment)
    assert (answer["state"], answer["data_root"], answer["free_bytes"]) == ("ready", "", -1)
