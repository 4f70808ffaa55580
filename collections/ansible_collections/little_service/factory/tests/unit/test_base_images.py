"""Which image serves, on engines of which each is a folder and a script that answers for docker."""

from __future__ import annotations

import json
import pathlib
import time

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.little_service.factory.plugins.module_utils import docker_pull
from ansible_collections.little_service.factory.plugins.modules import base_images

STAND_IN = "localhost/little_service/redis:8.0"
# `docker` keeps its images as lines of a file; a pull ends as the file `registry` says, or does not end where it says nothing at all.
DOCKER = """#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >>calls
case $1 in
    image) cat images ;;
    pull)
        [ ! -e hangs ] || { cat hangs; exec sleep 60; }
        [ -e registry ] || { echo 'no route to host' >&2; exit 1; }
        echo "$2" >>images
        ;;
    build) for word; do case $before in --tag) echo "$word" >>images ;; esac; before=$word; done ;;
    tag) echo "$3" >>images ;;
    import) echo "$5" >>images ;;
esac
"""


@pytest.fixture
def engine(tmp_path, monkeypatch, capsys):
    """An engine and a recipe; calling it runs the module."""
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "mmdebstrap").write_text('#!/bin/sh\nfor word; do case $word in *.tar) : >"$word" ;; esac; done\n')
    for program in ("docker", "mmdebstrap"):
        (tmp_path / program).chmod(0o755)
    for name in ("images", "calls", "bundle"):
        (tmp_path / name).touch()
    for recipe in ("redis", "bundle"):
        (tmp_path / "recipes" / recipe).mkdir(parents=True)
        (tmp_path / "recipes" / recipe / "Dockerfile").write_text("ARG ROOT\nFROM ${ROOT}\n")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    class Engine:
        folder: pathlib.Path = tmp_path

        def __call__(self, *, check: bool = False, **parameters: object) -> dict:
            images = {"redis": {"upstream": "redis:8", "stand_in": STAND_IN, "suite": "trixie"}}
            given = {"images": images, "recipes": f"{tmp_path}/recipes", "ca_bundle": f"{tmp_path}/bundle", **parameters}
            with patch_module_args({**given, "_ansible_check_mode": check}), pytest.raises(SystemExit):
                base_images.main()
            return json.loads(capsys.readouterr().out)

        @property
        def images(self) -> list[str]:
            return (tmp_path / "images").read_text().split()

        @property
        def verbs(self) -> list[str]:
            return [line.split()[0] for line in (tmp_path / "calls").read_text().splitlines()]

    return Engine()


def test_what_is_there_is_used_and_no_registry_is_asked(engine):
    (engine.folder / "images").write_text("redis:8\n")
    answer = engine()
    assert (answer["chosen"], answer["changed"], engine.verbs) == ({"redis": "redis:8"}, False, ["image"])


def test_what_is_not_there_is_pulled(engine):
    (engine.folder / "registry").touch()
    answer = engine()
    assert (answer["chosen"], answer["got"], answer["missing"]) == ({"redis": "redis:8"}, {"redis": "pulled"}, {})


def test_a_registry_that_does_not_answer_is_quoted(engine):
    answer = engine()
    assert (answer["changed"], answer["missing"]) == (False, {"redis": "no route to host"})


def test_one_registry_that_does_not_answer_is_asked_once(engine):
    one = {"upstream": "redis:8", "stand_in": STAND_IN, "suite": "trixie"}
    answer = engine(images={"redis": one, "bundle": one})
    assert (len(answer["missing"]), engine.verbs.count("pull")) == (2, 1)


@pytest.mark.parametrize("said", ["", "8: Pulling from library/redis\n"])
def test_a_registry_that_falls_silent_is_waited_for_no_longer_than_was_said(engine, monkeypatch, said):
    monkeypatch.setattr(docker_pull, "SILENCE", 0.3)
    (engine.folder / "hangs").write_text(said)
    begun = time.monotonic()
    answer = engine(patience=0.3 if not said else 30)
    assert time.monotonic() - begun < 10
    assert answer["missing"] == {"redis": "redis:8: the registry said nothing for 0 s"}


def test_a_stand_in_is_kept_also_where_the_upstream_image_is_there_and_a_registry_answers(engine):
    taken = engine(build=True)["chosen"]
    (engine.folder / "registry").touch()
    with (engine.folder / "images").open("a") as images:
        images.write("redis:8\n")
    answer = engine()
    assert (answer["chosen"], answer["changed"], "pull" in engine.verbs) == (taken, False, False)


def test_a_stand_in_of_an_earlier_recipe_is_built_anew_and_no_registry_is_asked(engine):
    (engine.folder / "registry").touch()
    (engine.folder / "images").write_text(f"{STAND_IN}-0123456789\n")
    answer = engine()
    assert (answer["missing"], answer["changed"], "pull" in engine.verbs) == (
        {"redis": "what its stand-in is made of has changed"},
        False,
        False,
    )
    assert engine(build=True)["got"] == {"redis": "built"}


def test_a_stand_in_that_is_to_be_built_anew_keeps_no_other_image_from_being_pulled(engine):
    (engine.folder / "registry").touch()
    (engine.folder / "images").write_text(f"{STAND_IN}-0123456789\n")
    one = {"upstream": "redis:8", "stand_in": STAND_IN, "suite": "trixie"}
    other = {"upstream": "bundle:1", "stand_in": "localhost/little_service/bundle:1", "suite": "trixie"}
    answer = engine(images={"redis": one, "bundle": other})
    assert (list(answer["missing"]), answer["got"]) == (["redis"], {"bundle": "pulled"})


def test_a_stand_in_is_built_once(engine):
    first, second = engine(build=True), engine(build=True)
    assert first["got"] == {"redis": "built"}
    assert (second["changed"], second["chosen"]) == (False, first["chosen"])
    assert first["chosen"]["redis"].startswith(f"{STAND_IN}-")
    assert STAND_IN in engine.images


@pytest.mark.parametrize("file", ["bundle", "recipes/redis/Dockerfile"])
def test_a_stand_in_is_built_again_when_what_it_is_made_of_changes(engine, file):
    first = engine(build=True)
    with (engine.folder / file).open("a") as stream:
        stream.write("# changed\n")
    second = engine(build=True)
    assert second["got"] == {"redis": "built"}
    assert second["chosen"] != first["chosen"]


def test_check_mode_tells_of_a_build_and_makes_nothing(engine):
    answer = engine(build=True, check=True)
    assert (answer["changed"], answer["got"], engine.images) == (True, {"redis": "built"}, [])


def test_check_mode_asks_no_registry(engine):
    (engine.folder / "registry").touch()
    assert (engine(check=True)["changed"], "pull" in engine.verbs) == (False, False)


def test_a_pulled_image_gets_the_machines_certificates_on_request(engine):
    (engine.folder / "registry").touch()
    first, second = (engine(bundle_pulled=["redis"]) for _ in range(2))
    assert "pull" in engine.verbs
    assert second["chosen"]["redis"].startswith("localhost/little_service/redis:8-")
    assert (first["changed"], second["changed"]) == (True, False)


def test_a_debian_that_cannot_be_unpacked_fails_with_a_reason(engine):
    (engine.folder / "mmdebstrap").write_text("#!/bin/sh\necho 'E: no space left on device' >&2\nexit 1\n")
    answer = engine(build=True)
    assert answer["failed"]
    assert "no space left on device" in answer["msg"]
    assert engine.images == []
