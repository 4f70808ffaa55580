"""What prepare_machine says when Docker's engine can't be used, and that it ends in an error then."""

from __future__ import annotations

import os
import pathlib
import shutil
import socket

import pytest

from tests.conftest import playbook

pytestmark = pytest.mark.docker
NOBODY = 65534


def prepare(*options: object, env: dict[str, str] | None = None, **variables: object):
    """Prepare this machine with the engine alone."""
    return playbook("prepare_machine", "--tags", "docker_host", *options, env=env, **variables)


def path_of(folder: pathlib.Path, **programs: str) -> str:
    """A PATH that begins with programs of the test's own, each a shell script."""
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_an_engine_that_works_is_left_alone():
    result = prepare()
    assert (result.status, result.changed) == (0, 0)


def test_an_engine_elsewhere_that_does_not_answer_is_named(tmp_path):
    # A socket on which nobody listens, as a killed engine leaves it.
    dead = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    result = prepare(env={"DOCKER_HOST": f"unix://{dead}"})
    assert result.status == 2
    assert f"Docker's engine at unix://{dead} does not answer" in result.words
    assert "unset DOCKER_HOST" in result.words


def test_a_user_without_a_right_to_the_engine_learns_how_to_get_it(tmp_path):
    # The checkout may lie where only its owner looks: the module is asked, by the user that has no right.
    docker = shutil.which("docker")
    script = f"exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups env HOME={tmp_path} '{docker}' \"$@\""
    result = prepare(env={"PATH": path_of(tmp_path, docker=script)})
    assert result.status == 2
    assert "You may not use Docker's engine at unix:///var/run/docker.sock" in result.words
    assert "sudo usermod -aG docker" in result.words


def test_an_engine_that_sleeps_is_not_started_where_that_is_forbidden(tmp_path):
    info = '{"ServerErrors": ["Cannot connect to the Docker daemon"], "ClientInfo": {"Context": "default"}}'
    result = prepare(env={"PATH": path_of(tmp_path, docker=f"echo '{info}'", dockerd="exit 1")}, docker_host_install="false")
    assert (result.status, result.changed) == (2, 0)
    assert "Docker's engine is installed and does not run" in result.words


def test_a_user_who_cannot_become_root_learns_what_for_and_what_to_type(tmp_path):
    info = '{"ServerErrors": ["Cannot connect to the Docker daemon"], "ClientInfo": {"Context": "default"}}'
    programs = {
        "sudo": "echo 'sudo: a password is required' >&2; exit 1",
        "dockerd": "exit 1",
        "docker": f"case $1 in info) echo '{info}' ;; image) ;; *) echo 'no route to host' >&2; exit 1 ;; esac",
    }
    # The tests may be run by root, whom Ansible would not let ask sudo. Check mode, so that nothing is done should sudo be passed by.
    env = {"PATH": path_of(tmp_path, **programs), "ANSIBLE_BECOME_ALLOW_SAME_USER": "true"}
    engine = prepare("--check", env=env)
    images = playbook("prepare_machine", "--check", "--tags", "base_images", env=env)
    for result, purpose in (
        (engine, "Docker's engine is installed, does not run, and is to be started. That needs root"),
        (images, "Stand-ins for python, mysql, redis are to be built. That needs root"),
    ):
        assert (result.status, result.changed) == (2, 0), result.output
        assert purpose in result.words
        assert "ansible-playbook prepare_machine.yml --ask-become-pass" in result.words
        assert "Traceback" not in result.output


def test_a_machine_without_compose_learns_what_is_missing(tmp_path):
    info = 'docker info --format \'{{json .}}\' | sed \'s/"Name":"compose"/"Name":"other"/g\''
    script = f"PATH='{os.environ['PATH']}'; case $1 in info) {info} ;; *) exec docker \"$@\" ;; esac"
    result = prepare(env={"PATH": path_of(tmp_path, docker=script)}, docker_host_install="false")
    assert result.status == 2
    assert "Compose v2 is missing" in result.words


def test_a_disk_that_is_nearly_full_is_told_with_its_figures():
    result = prepare(docker_host_free_bytes=10**15)
    assert result.status == 2
    assert "The disk is nearly full" in result.words
    assert "909.49 TB is wanted" in result.words


def test_an_image_version_that_is_none_is_refused():
    result = playbook("prepare_machine", "--tags", "base_images", base_images_python_version="three")
    assert result.status == 2
    assert "base_images_python_version is three" in result.words
