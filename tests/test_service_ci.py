"""A new service's own CI: its steps are run here as CI would run them, all are green, and each of its checks can fail."""

from __future__ import annotations

import json
import pathlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
import yaml

from tests.conftest import ROOT, run
from tests.service import Service, born

pytestmark = [pytest.mark.docker, pytest.mark.full]

CI = {"circleci": (".circleci/config.yml", "vendor.circle-ci"), "github": (".github/workflows/ci.yml", "vendor.github-workflows")}


def steps(service: Service, ci: str) -> list[str]:
    """What CI types."""
    content = yaml.safe_load((service.path / CI[ci][0]).read_text())
    return [step["run"] for step in content["jobs"]["ci"]["steps"] if isinstance(step, dict) and "run" in step]


@pytest.mark.parametrize(("celery", "ci"), [("true", "circleci"), ("false", "github")])
def test_what_ci_types_is_green_and_leaves_its_reports_and_nothing_else(tmp_path, celery, ci):
    with born(tmp_path, "ci", celery=celery, ci=ci) as service:
        assert steps(service, ci) == ["make ci", "make audit"]
        for step in steps(service, ci):
            done = run("sh", "-c", step, cwd=service.path, timeout=1800)
            assert done.status == 0, done.output[-5000:]
            assert not re.search(r"\b(?:Warning|WARN)\b", done.output), done.output[-5000:]
        reports = service.path / "reports"
        for name in ("junit.xml", "browser.xml"):
            (suite,) = report(reports / name).iter("testsuite")
            assert int(suite.get("tests")) > 5
            assert suite.get("failures") == suite.get("errors") == suite.get("skipped") == "0"
        assert float(report(reports / "coverage.xml").get("branch-rate")) >= 0.9
        pictures = sorted(reports.glob("screenshots/*.png"))
        assert len(pictures) >= 8
        assert all(picture.stat().st_size > 10_000 for picture in pictures)
        assert run("git", "status", "--porcelain", cwd=service.path).output == ""
        assert run("docker", "ps", "--all", "--quiet", "--filter", f"name={service.name}-ci").output == ""
        keep(service, pictures)


def report(file: pathlib.Path) -> ET.Element:
    return ET.parse(file).getroot()  # noqa: S314 - the same


def keep(service: Service, pictures: list[pathlib.Path]) -> None:
    """The pictures go where this repository's own CI finds them."""
    folder = ROOT / "reports/screenshots/service"
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        (folder / picture.name).write_bytes(picture.read_bytes())


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    """A service of which single checks are asked."""
    with born(tmp_path_factory.mktemp("checks"), "checks") as service:
        yield service
        service.compose("down", "--volumes", "--timeout", "5")


@pytest.mark.parametrize("ci", CI)
def test_the_file_that_ci_reads_is_valid(tmp_path, ci, workshop):
    assert workshop.new_service("orbit", ci=ci).status == 0
    path = workshop.services / "orbit"
    for schema, *files in [
        (CI[ci][1], CI[ci][0]),
        ("vendor.renovate", "renovate.json"),
        ("vendor.compose-spec", *sorted(file.name for file in path.glob("docker-compose*.yml"))),
    ]:
        checked = run("check-jsonschema", "--builtin-schema", schema, *files, cwd=path)
        assert checked.status == 0, checked.output
    assert run("pre-commit", "validate-config", cwd=path).status == 0


def test_pre_commit_runs_the_linters_of_the_image(service):
    done = run("pre-commit", "run", "lint", "--all-files", "--verbose", cwd=service.path)
    assert done.status == 0, done.output
    assert "No secret was found." in done.output


MODELS = "server/{package}/models.py"
DROPPED = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("{package}", "0001_initial")]
    operations = [migrations.RunSQL("ALTER TABLE {package}_counter DROP COLUMN owner_id")]
"""
KEY = "AKIA" + "QYLPMN5HHHFPZAM2"
BREAKS = {
    "style": ("server/{package}/views.py", "import os\n", "lint", "F401"),
    "form": ("server/{package}/urls.py", "x  =  1\n", "lint", "would be reformatted"),
    "types": ("server/{package}/selectors.py", "\n\nnumber: int = \"one\"\n", "lint", "Incompatible types in assignment"),
    "weakness": ("server/{package}/selectors.py", "\n\nword = eval(\"1\")  # noqa: S307\n", "lint", "B307"),
    "template": ("server/{package}/templates/404.html", "{{%url   'page'%}}\n", "lint", "404.html"),
    "secret": ("docs/notes.md", f"aws_access_key_id = {KEY}\n", "lint", "AWS Access Key"),
    "missing migration": (MODELS, "\n\nclass Forgotten(models.Model):\n    pass\n", "lint-migrations", "Create model Forgotten"),
    "breaking migration": ("server/{package}/migrations/0002_dropped.py", DROPPED, "lint-migrations", "DROPPING"),
    "changed API": ("server/{package}/api.py", '\nCounterSerializer.Meta.fields.remove("value")\n', "test args=-kcommitted", "make schema"),
    "untested": (None, "", "test args=-ktest_env", "Required test coverage of 90.0% not reached"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BREAKS)
def test_each_check_finds_what_it_is_there_for(service, kind):
    name, text, target, words = BREAKS[kind]
    package = next((service.path / "server").glob("*_app")).name
    file = service.path / (name or "none").format(package=package)
    before = file.read_text() if file.exists() else ""
    if name:
        file.write_text(before + text.format(package=package))
    try:
        done = service.make(*target.split())
    finally:
        run("git", "stash", "--include-untracked", cwd=service.path)
        run("git", "stash", "drop", cwd=service.path)
    assert done.status != 0, done.output
    assert words in done.output, done.output[-3000:]


def test_the_weakness_of_a_package_is_asked_for_or_that_it_cannot_be_is_said(service):
    done = service.make("audit")
    assert done.status == 0, done.output
    assert re.search(r"No known vulnerabilities|audit: skipped", done.output), done.output


def test_the_schema_that_is_committed_is_openapi_3_1(service):
    schema = json.loads((service.path / "openapi.json").read_text())
    assert schema["openapi"].startswith("3.1.")
