"""The collection as others get it: built, installed in an empty folder, and at work there."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import ROOT, run

COLLECTION = ROOT / "collections/ansible_collections/little_service/factory"


@pytest.fixture
def elsewhere(tmp_path):
    """An empty folder into which the collection was built and installed; the playbook's neighbours here are not found from there."""
    built = run("ansible-galaxy", "collection", "build", COLLECTION, "--output-path", tmp_path)
    assert built.status == 0, built.output
    (archive,) = tmp_path.glob("little_service-factory-*.tar.gz")
    # What it depends on comes with the package `ansible`; Galaxy is not asked.
    installed = run(
        "ansible-galaxy", "collection", "install", archive, "--no-deps", "--offline", "-p", tmp_path / "collections", cwd=tmp_path
    )
    assert installed.status == 0, installed.output
    shutil.copy(ROOT / "playbooks/new_service.yml", tmp_path)
    return tmp_path


def test_a_service_is_made_with_the_collection_that_was_installed(elsewhere):
    variables = ["name=orbit-ledger", f"services_dir={elsewhere}/services", f"inventories_dir={elsewhere}/inventories"]
    typed = [word for variable in variables for word in ("-e", variable)]
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(elsewhere / "collections"), "ANSIBLE_ROLES_PATH": str(ROOT / "roles")}
    made = run("ansible-playbook", "new_service.yml", *typed, cwd=elsewhere, **paths)
    assert made.status == 0, made.output
    assert (elsewhere / "services/orbit-ledger/.git").is_dir()
    assert (elsewhere / "inventories/sandbox/orbit-ledger.yml").is_file()
    (elsewhere / "collections").rename(elsewhere / "taken-away")
    without = run("ansible-playbook", "new_service.yml", *typed, cwd=elsewhere, **paths)
    assert "couldn't resolve module/action 'little_service.factory" in without.words, "it was the installed one that did it"


def test_it_holds_no_tests_and_nothing_that_was_compiled(elsewhere):
    installed = elsewhere / "collections/ansible_collections/little_service/factory"
    assert not [path for path in installed.rglob("*") if path.suffix == ".pyc" or path.name in ("__pycache__", ".git")]
    assert {path.name for path in installed.iterdir()} >= {"MANIFEST.json", "README.md", "CHANGELOG.md", "meta", "plugins"}
    assert not (installed / "tests").exists()
