"""What a service brings to AWS: the build's description, and the bundle that Elastic Beanstalk runs."""

from __future__ import annotations

import json
import pathlib
import re

import pytest
import yaml

from sandbox.live import buildspec
from tests.conftest import ROOT, run

ALIKE = ("command", "healthcheck", "stop_grace_period", "init", "read_only", "cap_drop", "security_opt", "pids_limit", "mem_limit", "tmpfs")


@pytest.fixture(params=[True, False], ids=["celery", "no-celery"])
def path(request, workshop) -> pathlib.Path:
    made = workshop.new_service("orbit", celery=str(request.param).lower())
    assert made.status == 0, made.output
    return workshop.services / "orbit"


def resolved(folder: pathlib.Path, file: str, **env: str) -> dict:
    """The services as Compose understands them."""
    (folder / ".env").touch()
    done = run("docker", "compose", "--file", file, "config", "--format", "json", cwd=folder, **env)
    assert done.status == 0, done.output
    return json.loads(done.output[done.output.index("{") :])["services"]


def test_the_build_is_one_that_codebuild_reads(path):
    spec = buildspec.parse((path / "buildspec.yml").read_text())
    for command in buildspec.commands(spec):
        for script in re.findall(r"\bbin/\w+", command):
            assert (path / script).stat().st_mode & 0o111, script
    assert "verify:" in (path / "Makefile").read_text()
    checked = run("shellcheck", "bin/release", *(path / "bundle/.platform/hooks/predeploy").glob("*.sh"), cwd=path)
    assert checked.status == 0, checked.output


def test_the_bundle_runs_what_the_declared_profiles_say(path):
    celery = "worker:" in (path / "docker-compose.yml").read_text()
    options = yaml.safe_load((ROOT / "roles/aws_runtime/vars/main/options.yml").read_text())
    web, worker = (
        options[name]["aws:elasticbeanstalk:application:environment"]["COMPOSE_PROFILES"]
        for name in ("__aws_runtime_web_options", "__aws_runtime_worker_options")
    )
    whole = next(words for words in re.findall(r"'([\w,]+)'", web) if "," in words)
    for profiles in ("web", worker, whole) if celery else ("web",):
        assert set(resolved(path / "bundle", "docker-compose.yml", COMPOSE_PROFILES=profiles)) == set(profiles.split(","))


def test_a_container_on_aws_is_as_one_on_a_laptop(path):
    here = resolved(path, "docker-compose.yml")
    there = resolved(path / "bundle", "docker-compose.yml", COMPOSE_PROFILES="web,worker,beat,migrate")
    for name, service in here.items():
        assert {key: there[name].get(key) for key in ALIKE} == {key: service.get(key) for key in ALIKE}, name
        assert there[name]["image"] == "SERVICE_IMAGE"  # which bin/release fills in
        assert there[name]["environment"] == {"DATABASE_SSL_CA": "/etc/ssl/rds.pem", "SERVICE_PART": name}
        assert there[name]["logging"]["options"]["max-file"] == "3"
    assert [(port["published"], port["target"]) for port in there["web"]["ports"]] == [("80", 8000)]
