"""`remove_service.yml`: what keeps it from removing a service, and what is left when it has."""

from __future__ import annotations

import os
import subprocess
import sys

import boto3
import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.little_service.factory.plugins.action import service_standing

from tests import small
from tests.conftest import ROOT, Workshop, playbook, run
from tests.test_new_service import snapshot

PORT = 8477
NOWHERE = "http://127.0.0.1:9"


class Removal(Workshop):
    """A workshop in which services are removed as well; no sandbox runs there unless one is named."""

    def remove(self, name: str, *options: object, env=None, sandbox: str = NOWHERE, **variables: object):
        where = ("-i", self.inventories / "sandbox", "-i", self.inventories / "local")
        given = {"inventories_dir": self.inventories, "service_repository_sandbox_url": sandbox, "name": name}
        return playbook("remove_service", *where, *options, env=env, **given, **variables)


@pytest.fixture
def workshop(tmp_path):
    return Removal(tmp_path / "services", tmp_path / "inventories")


@pytest.fixture
def gone(workshop):
    """A service to be removed. Its name is this file's own, since the engine is everybody's; so is its port."""
    assert workshop.new_service("gone-for-good", service_port=PORT).status == 0
    return workshop


def state(workshop):
    return snapshot(workshop.services), snapshot(workshop.inventories)


@pytest.mark.parametrize("given", [{}, {"confirm": "other"}, {"confirm": "gone-for-good,other"}])
def test_without_the_name_once_more_nothing_is_removed(gone, given):
    before = state(gone)
    refused = gone.remove("gone-for-good", **given)
    assert refused.status == 2
    assert "remove_service.yml -e name=gone-for-good -e confirm=gone-for-good" in refused.words
    assert state(gone) == before


def test_the_registration_goes_the_folder_stays_and_both_are_found_again(gone):
    gone.new_service("another")
    before = state(gone)
    foreseen = gone.remove("gone-for-good", "--check", "--diff", confirm="gone-for-good")
    assert state(gone) == before
    removed = gone.remove("Gone_For_Good", "--diff", confirm="gone-for-good")
    assert (foreseen.status, removed.status, foreseen.changed, removed.changed) == (0, 0, 1, 1), removed.output
    shown = [line for line in removed.output.splitlines() if line.startswith("+++ ")]
    assert shown == [line for line in foreseen.output.splitlines() if line.startswith("+++ ")]
    assert len(shown) == 4
    assert f"Its folder stays: {gone.services / 'gone-for-good'}" in removed.words
    assert sorted(path.name for path in gone.inventories.rglob("*.yml")) == ["another.yml"] * 4
    assert snapshot(gone.services) == before[0]
    again = gone.remove("gone-for-good", confirm="gone-for-good")
    assert again.status != 0
    assert "There is no service gone-for-good: it was never made here, or was removed" in again.words
    assert "The services here: another." in again.words
    made = gone.new_service("gone-for-good", service_port=PORT)
    assert (made.status, snapshot(gone.services)) == (0, before[0]), made.output
    assert snapshot(gone.inventories) == before[1]


def test_where_it_is_declared_to_stand_it_is_not_removed(gone):
    for environment in ("staging", "production"):
        file = gone.inventories / environment / "gone-for-good.yml"
        file.write_text(file.read_text().replace("service_state: absent", "service_state: present"))
    before = state(gone)
    refused = gone.remove("gone-for-good", confirm="gone-for-good", delete_files="true", confirm_data_loss="gone-for-good")
    assert refused.status == 2
    for environment in ("staging", "production"):
        assert f"In {environment} it stands on AWS" in refused.words
        assert f"-i inventories/{environment} aws_down.yml -e name=gone-for-good -e confirm=gone-for-good" in refused.words
    assert state(gone) == before


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """A sandbox on a free port, with something of a service in it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "run", "--port", "0"],
        cwd=ROOT, env={**os.environ, "XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    url = next(word.rstrip(".") for word in process.stdout.readline().split() if word.startswith("http://"))
    keys = {"aws_access_key_id": "administrator-of-the-sandbox", "aws_secret_access_key": "not-checked-by-the-sandbox"}
    for region, name in (("us-west-2", "gone-for-good"), ("eu-central-1", "another")):
        ecr = boto3.client("ecr", endpoint_url=url, region_name=region, **keys)
        ecr.create_repository(repositoryName=name, tags=[{"Key": "little-service:service", "Value": name}])
    yield url
    process.terminate()
    process.wait(timeout=60)
    process.stdout.close()


def test_what_stands_in_a_sandbox_that_runs_keeps_it(gone, sandbox):
    refused = gone.remove("gone-for-good", confirm="gone-for-good", sandbox=sandbox)
    assert refused.status == 2
    assert "In sandbox it stands on AWS (arn:aws:ecr:us-west-2:" in refused.words
    assert "-i inventories/sandbox aws_down.yml -e name=gone-for-good" in refused.words
    assert "another" not in refused.words.partition("In sandbox")[2]


def test_a_sandbox_is_asked_in_each_region_and_for_one_service_alone(sandbox, tmp_path):
    def standing(name, url=sandbox):
        return small.plugin(service_standing, name=name, inventories=str(tmp_path), sandbox_url=url)["standing"]

    assert [words.split()[1] for words in standing("another")] == ["sandbox"]
    assert standing("gone") == []
    assert standing("another", NOWHERE) == []
    with pytest.raises(AnsibleActionFail, match="bin/sandbox status"):
        standing("another", "http://nowhere.invalid")


@pytest.mark.docker
def test_what_is_kept_on_this_machine_keeps_it(gone):
    label = "com.docker.compose.project=gone-for-good"
    run("docker", "volume", "create", "--label", label, "gone-for-good_mysql")
    try:
        refused = gone.remove("gone-for-good", confirm="gone-for-good", delete_files="true", confirm_data_loss="gone-for-good")
        assert refused.status == 2, refused.output
        assert "On this machine there is still the volume gone-for-good_mysql, with its data." in refused.words
        assert "local_down.yml -e name=gone-for-good -e scope=all -e confirm=gone-for-good" in refused.words
        assert (gone.services / "gone-for-good/README.md").exists()
    finally:
        run("docker", "volume", "rm", "gone-for-good_mysql")


def test_an_engine_that_does_not_answer_keeps_it(gone):
    refused = gone.remove("gone-for-good", confirm="gone-for-good", env={"DOCKER_HOST": "tcp://127.0.0.1:9"})
    assert refused.status == 2
    assert "only it knows whether containers or data of gone-for-good are left" in refused.words


def test_the_folder_goes_where_that_is_asked_for_and_all_of_it_is_pushed(gone, tmp_path):
    path, wish = gone.services / "gone-for-good", {"confirm": "gone-for-good", "delete_files": "true"}
    refused = gone.remove("gone-for-good", **wish)
    assert refused.status == 2
    assert "this would be lost: it has no remote" in refused.words
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "remote.git"], check=True)
    small.git(path, "remote", "add", "origin", tmp_path / "remote.git")
    small.git(path, "push", "-q", "--all")
    (path / ".env").write_text("PASSWORD=ignored by git\n")
    foreseen = gone.remove("gone-for-good", "--check", **wish)
    assert (foreseen.status, path.exists()) == (0, True), foreseen.output
    removed = gone.remove("gone-for-good", **wish)
    assert (removed.status, list(gone.services.iterdir())) == (0, []), removed.output
    assert f"{path} is removed as well" in removed.words


def test_of_several_services_all_are_confirmed_or_none_is_removed(gone):
    gone.new_service("another")
    before = state(gone)
    refused = gone.remove("gone-for-good,another", confirm="another")
    assert (refused.status, state(gone)) == (2, before)
    removed = gone.remove("gone-for-good,another", confirm="another,gone-for-good", delete_files="true", confirm_data_loss="another")
    assert removed.status == 2
    assert [path.name for path in gone.services.iterdir()] == ["gone-for-good"]
    assert sorted(path.name for path in gone.inventories.rglob("*.yml")) == ["gone-for-good.yml"] * 4


def test_without_a_name_it_is_asked_for(gone):
    refused = gone.remove("")
    assert refused.status != 0
    assert "Say which service" in refused.words
