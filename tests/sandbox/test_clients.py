"""AWS's own commands against the sandbox: `aws`, and awsebcli's `eb`, from an environment and a lock of their own (clients.in)."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.sandbox.conftest import REGION
from tests.sandbox.test_elasticbeanstalk import BALANCED, Service

pytestmark = pytest.mark.full  # both commands start anew, a second each, for every line that is typed

LOCK = pathlib.Path(__file__).with_name("clients.lock")


@pytest.fixture(scope="session")
def programs() -> pathlib.Path:
    """The folder of `aws` and `eb`: made once for each state of the lock."""
    folder = ROOT / ".cache" / f"aws-clients-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        uv = [sys.executable, "-m", "uv", "--quiet"]
        subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, folder], check=True, timeout=120)
        subprocess.run([*uv, "pip", "install", "--python", folder, "--require-hashes", "--requirement", LOCK], check=True, timeout=600)
        (folder / "complete").touch()
    return folder / "bin"


@pytest.fixture
def run(cloud, programs, tmp_path):
    """Run a command in a folder that `eb init` has set up, with nothing else of this machine's AWS settings."""
    (tmp_path / ".elasticbeanstalk").mkdir()
    config = {
        "branch-defaults": {"default": {"environment": "orbit-web"}},
        "global": {"application_name": "orbit", "default_region": REGION},
    }
    (tmp_path / ".elasticbeanstalk/config.yml").write_text(json.dumps(config))
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": "administrator-of-the-sandbox",
        "AWS_SECRET_ACCESS_KEY": "not-checked-by-the-sandbox",
        "AWS_DEFAULT_REGION": REGION,
    }

    def command(*words: str) -> str:
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        assert "ERROR" not in done.stderr, done.stderr
        return done.stdout

    return command


def test_the_eb_command_shows_and_ends_an_environment(cloud, run):
    service = Service(cloud)
    service.create(options=BALANCED)
    service.wait("environment_exists")
    assert "orbit-web" in run("eb", "list")
    status = run("eb", "status")
    assert all(words in status for words in ("Deployed Version: v1", "Status: Ready", "Health: Green"))
    assert "Successfully launched environment: orbit-web" in run("eb", "events")
    health = run("eb", "health")
    assert "Ok" in health
    assert "WebServer" in health
    assert "MinSize: '2'" in run("eb", "config", "--display")
    assert "terminateEnvironment completed successfully." in run("eb", "terminate", "--force", "orbit-web")
    assert service.described()["Status"] == "Terminated"


def test_the_aws_command_logs_in_to_a_registry_and_waits(cloud, run):
    assert json.loads(run("aws", "sts", "get-caller-identity"))["Account"] == "123456789012"
    assert run("aws", "ecr", "get-login-password").strip()
    run("aws", "s3", "mb", "s3://orbit-artifacts")
    run("aws", "s3", "cp", ".elasticbeanstalk/config.yml", "s3://orbit-artifacts/config.yml")
    assert "config.yml" in run("aws", "s3", "ls", "s3://orbit-artifacts")
    service = Service(cloud)
    service.create()
    run("aws", "elasticbeanstalk", "wait", "environment-exists", "--environment-names", "orbit-web")
    query = ["--query", "Environments[0].Status", "--output", "text"]
    assert run("aws", "elasticbeanstalk", "describe-environments", *query).strip() == "Ready"
