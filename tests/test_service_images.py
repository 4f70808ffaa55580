"""A service's images: built from what another service's build left, small, stopped by a signal; and the smaller service's own CI."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from tests.conftest import Workshop, run

pytestmark = [pytest.mark.docker, pytest.mark.full]

CI = {"COMPOSE_FILE": "docker-compose.yml:docker-compose.ci.yml"}
# Code, and what is made of it when the image is built.
LAYERS_OF_THE_SERVICE = 2


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def image(reference: str) -> dict:
    return json.loads(docker("image", "inspect", reference))[0]


@pytest.fixture(scope="module")
def services(tmp_path_factory) -> Iterator[list[pathlib.Path]]:
    """Two services that differ in their names, and one without Celery: made, and not started. With images that serve on this machine."""
    folder = tmp_path_factory.mktemp("images")
    workshop = Workshop(folder / "services", folder / "inventories")
    own = uuid.uuid4().hex[:6]
    paths = [workshop.services / f"img-{own}-{number}" for number in ("one", "two", "small")]
    for path in paths:
        made = workshop.new_service(path.name, celery=str(path != paths[2]).lower())
        assert made.status == 0, made.output
        # What local_up tells a service of the machine.
        settings = [f"{kind.upper()}_IMAGE={serving(kind)}" for kind in ("python", "mysql", "redis")]
        assert run("bin/dotenv", *settings, cwd=path).status == 0
    yield paths
    built = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"img-{own}-*").split()
    docker("image", "rm", "--force", *built)


def serving(kind: str) -> str:
    """The newest image that base_images has got."""
    upstream = {"python": "python:3.13-slim", "mysql": "mysql:8.4", "redis": "redis:8"}[kind]
    stand_ins = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"localhost/little_service/{kind}").split()
    return stand_ins[0] if stand_ins else upstream


@pytest.fixture(scope="module")
def built(services) -> list[str]:
    """The image that production runs, of the two services that differ in their names."""
    for path in services[:2]:
        done = run("docker", "compose", "build", "migrate", cwd=path, **CI)
        assert done.status == 0, done.output
    return [f"{path.name}:runtime" for path in services[:2]]


def test_a_second_services_image_is_the_first_ones_but_for_its_code(built):
    one, two = (image(reference)["RootFS"]["Layers"] for reference in built)
    assert len(one) == len(two)
    assert one[:-LAYERS_OF_THE_SERVICE] == two[:-LAYERS_OF_THE_SERVICE]


def test_the_image_for_developers_holds_nothing_of_a_services_own(services):
    for path in services[:2]:
        done = run("make", "image", cwd=path)
        assert done.status == 0, done.output
    one, two = (image(f"{path.name}:dev")["RootFS"]["Layers"] for path in services[:2])
    assert one == two


def test_its_layers_add_at_most_120_megabytes_to_the_base(built):
    added = image(built[0])["Size"] - image(serving("python"))["Size"]
    assert added <= 120e6, docker("history", built[0])


def test_it_runs_as_nobody_of_importance_and_passes_signals_on(built):
    program = "import signal, sys, os, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(os.getuid() // 100)); time.sleep(60)"
    container = docker("run", "--detach", built[0], "python", "-c", program)
    try:
        # Python takes a moment to set its handler; without one, what is PID 1 ignores the signal.
        docker("exec", container, "sleep", "1")
        docker("stop", "--time", "20", container)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "10"
    finally:
        docker("rm", "--force", container)


def test_the_smaller_service_passes_its_own_ci_and_knows_no_celery(services):
    small = services[2]
    names = subprocess.run(["git", "ls-files"], cwd=small, capture_output=True, text=True, check=True).stdout.split()
    code = [name for name in names if name.endswith((".py", ".yml", ".in", ".lock", "Makefile", "Dockerfile", ".sh", ".example"))]
    knows = [name for name in code if "celery" in (small / name).read_text().lower() and name != ".little-service.yml"]
    assert knows == []
    done = run("make", "ci", cwd=small, PATH=os.environ["PATH"])
    assert done.status == 0, done.output
    assert docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={small.name}-ci") == ""
