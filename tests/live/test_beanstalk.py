"""Elastic Beanstalk where it runs: bundles on instances behind an address, as boto3 and a browser see them."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import urllib.request

import pytest
import requests

from tests.live.conftest import until
from tests.sandbox.conftest import REGION, allow
from tests.sandbox.test_elasticbeanstalk import STACK, archive, settings

pytestmark = pytest.mark.docker
SERVER = """
import http.server, os, signal, sys, time

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ill = self.path == "/health" and os.environ["STATUS"] != "200" or os.path.exists("/tmp/ill")
        time.sleep(0.2 if self.path == "/slow" else 0)
        self.send_response(500 if ill else 200)
        self.end_headers()
        words = [os.environ.get(key, "-") for key in ("WORDS", "GREETING", "PASSWORD")]
        self.wfile.write(" ".join([*words, self.headers["Host"], self.headers.get("Origin", "-")]).encode())

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("serving", os.environ["WORDS"], flush=True)
http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
"""
MIGRATE = '#!/bin/sh\nset -e\npwd\ntest -n "$PASSWORD"\ndocker compose run --rm -T migrate\n'


def bundle(words: str, *, status: str = "200", hook: str = MIGRATE, command: list[str] | None = None) -> bytes:
    """A service of one page, with a migration that a hook runs as a one-shot."""
    shared = {"image": "python:3.13-slim", "env_file": [".env"], "init": True}
    web = {**shared, "environment": {"WORDS": words, "STATUS": status}, "ports": ["80:8000"], "restart": "unless-stopped"}
    web["command"] = command or ["python", "-uc", SERVER]
    migrate = {**shared, "profiles": ["tools"], "command": ["python", "-c", f"print('migrated to {words}')"]}
    compose = json.dumps({"services": {"web": web, "migrate": migrate}})
    return archive(**{"docker-compose.yml": compose, ".platform/hooks/predeploy/10_migrate.sh": hook})


BASE = [
    *settings(
        aws_autoscaling_launchconfiguration__IamInstanceProfile="instances",
        aws_elasticbeanstalk_healthreporting_system__SystemType="enhanced",
        aws_elasticbeanstalk_command__DeploymentPolicy="Immutable",
        aws_elasticbeanstalk_cloudwatch_logs__StreamLogs="true",
        aws_elasticbeanstalk_application_environment__GREETING="hello",
    ),
]
SINGLE = [
    *settings(aws_elasticbeanstalk_environment__EnvironmentType="SingleInstance"),
    {"Namespace": "aws:elasticbeanstalk:application", "OptionName": "Application Healthcheck URL", "Value": "/health"},
]
BALANCED = settings(
    aws_elasticbeanstalk_environment__LoadBalancerType="application",
    aws_autoscaling_asg__MinSize="2",
    aws_autoscaling_asg__MaxSize="3",
    aws_elasticbeanstalk_environment_process_default__HealthCheckPath="/health",
    aws_elasticbeanstalk_command__DeploymentPolicy="Rolling",
    aws_elasticbeanstalk_command__BatchSizeType="Fixed",
    aws_elasticbeanstalk_command__BatchSize="1",
)


class Service:
    """An application, and what its owner does with it."""

    def __init__(self, live) -> None:
        self.cloud = live.cloud
        self.client, self.s3, self.logs = (self.cloud.client(name) for name in ("elasticbeanstalk", "s3", "logs"))
        may = ["ecr:GetAuthorizationToken", "secretsmanager:GetSecretValue", "ssm:UpdateInstanceInformation", "sts:GetCallerIdentity"]
        self.cloud.role("instances", "ec2.amazonaws.com", allow([*may, "logs:CreateLogGroup", "logs:CreateLogStream", "logs:Put*"]))
        iam = self.cloud.client("iam")
        iam.create_instance_profile(InstanceProfileName="instances")
        iam.add_role_to_instance_profile(InstanceProfileName="instances", RoleName="instances")
        secret = self.cloud.client("secretsmanager").create_secret(Name="orbit", SecretString='{"password": "hush"}')["ARN"]
        self.base = [*BASE, *settings(aws_elasticbeanstalk_application_environmentsecrets__PASSWORD=f"{secret}:password")]
        self.client.create_application(ApplicationName="orbit")
        self.s3.create_bucket(Bucket="bundles", CreateBucketConfiguration={"LocationConstraint": REGION})

    def version(self, label: str, **more) -> None:
        self.s3.put_object(Bucket="bundles", Key=label, Body=bundle(label, **more))
        source = {"S3Bucket": "bundles", "S3Key": label}
        self.client.create_application_version(ApplicationName="orbit", VersionLabel=label, SourceBundle=source)

    def create(self, name: str, label: str, options: list[dict], **more) -> Environment:
        self.client.create_environment(
            ApplicationName="orbit",
            EnvironmentName=name,
            CNAMEPrefix=name,
            VersionLabel=label,
            SolutionStackName=STACK,
            OptionSettings=[*self.base, *options],
            **more,
        )
        return Environment(self, name)


class Environment:
    def __init__(self, service: Service, name: str) -> None:
        self.service, self.client, self.name = service, service.client, name
        self.settled()

    def described(self) -> dict:
        return self.client.describe_environments(EnvironmentNames=[self.name])["Environments"][-1]

    def settled(self) -> dict:
        until(lambda: self.described()["Status"] in ("Ready", "Terminated"))
        return self.described()

    def release(self, label: str) -> dict:
        self.client.update_environment(EnvironmentName=self.name, VersionLabel=label)
        return self.settled()

    def change(self, **options: str) -> dict:
        self.client.update_environment(EnvironmentName=self.name, OptionSettings=settings(**options))
        return self.settled()

    def instances(self) -> list[str]:
        resources = self.client.describe_environment_resources(EnvironmentName=self.name)["EnvironmentResources"]
        return [instance["Id"] for instance in resources["Instances"]]

    def events(self) -> str:
        found = self.client.describe_events(EnvironmentName=self.name, MaxRecords=25)["Events"]
        return "\n".join(event["Message"] for event in found)

    def page(self, path: str = "/", **headers: str) -> str:
        return requests.get(f"http://{self.described()['CNAME']}{path}", headers=headers, timeout=10).text

    def words(self) -> str:
        return self.page().split()[0]

    @contextlib.contextmanager
    def unbroken(self):
        """A client that asks again and again meets no error, whatever the block does."""
        address, wrong, over = self.described()["CNAME"], [], threading.Event()

        def ask() -> None:
            with requests.Session() as session:
                while not over.wait(0.03):
                    try:
                        session.get(f"http://{address}/slow", timeout=10).raise_for_status()
                    except requests.RequestException as error:
                        wrong.append(repr(error))

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            yield
        finally:
            over.set()
            asking.join()
        assert wrong == []

    def run(self, command: str) -> dict:
        ssm = self.service.cloud.client("ssm")
        asked = {"InstanceIds": self.instances()[:1], "DocumentName": "AWS-RunShellScript", "Parameters": {"commands": [command]}}
        identifier = ssm.send_command(**asked)["Command"]["CommandId"]
        where = {"CommandId": identifier, "InstanceId": self.instances()[0]}
        until(lambda: ssm.get_command_invocation(**where)["Status"] != "InProgress")
        return ssm.get_command_invocation(**where)

    def log(self, file: str) -> str:
        group = f"/aws/elasticbeanstalk/{self.name}/var/log/{file}"
        return "\n".join(event["message"] for event in self.service.logs.filter_log_events(logGroupName=group)["events"])


@pytest.fixture(scope="module")
def service(live):
    made = Service(live)
    for label in ("v1", "v2"):
        made.version(label)
    return made


@pytest.fixture(scope="module")
def alone(service):
    """One instance, which immutable deployments replace."""
    return service.create("orbit-alone", "v1", SINGLE)


def test_a_bundle_runs_with_its_settings_and_secrets_where_the_environment_says(alone):
    told = alone.described()
    assert (told["HealthStatus"], told["VersionLabel"]) == ("Ok", "v1"), alone.events()
    assert told["CNAME"] == told["EndpointURL"]
    assert told["CNAME"].startswith("127.0.0.1:")
    # To the service its name is AWS's, in forms too.
    own = f"orbit-alone.{REGION}.elasticbeanstalk.com"
    assert alone.page(Origin=f"http://{told['CNAME']}") == f"v1 hello hush {own} http://{own}"
    assert "migrated to v1" in alone.log("eb-hooks.log") or until(lambda: "migrated to v1" in alone.log("eb-hooks.log"), 10) is None


def test_an_immutable_deployment_is_not_noticed_and_a_failed_one_leaves_all_as_it_was(alone):
    address, before = alone.described()["CNAME"], alone.instances()
    with alone.unbroken():
        assert alone.release("v2")["VersionLabel"] == "v2"
        assert alone.words() == "v2"
        broken = {
            "hook": {"hook": "#!/bin/sh\necho 'no such column: name' >&2\nexit 3\n"},
            "start": {"command": ["python", "-c", "raise SystemExit('no module named orbit')"]},
            "health": {"status": "500"},
        }
        reasons = {"hook": "no such column: name", "start": "no module named orbit", "health": "/health answers 500, not 200"}
        for label, flaw in broken.items():
            alone.service.version(f"broken-{label}", **flaw)
            told = alone.release(f"broken-{label}")
            assert (told["Status"], told["HealthStatus"], told["VersionLabel"], alone.words()) == ("Ready", "Ok", "v2", "v2")
            assert reasons[label] in alone.events()
    assert alone.described()["CNAME"] == address
    assert len(alone.instances()) == 1
    assert alone.instances() != before


def test_what_containers_and_hooks_print_is_in_cloudwatch_and_in_the_logs_that_eb_asks_for(alone):
    until(lambda: "serving" in alone.log("eb-docker/containers/eb-current-app/stdouterr.log"), 20)
    alone.client.request_environment_info(EnvironmentName=alone.name, InfoType="tail")
    until(lambda: "Pulled logs" in alone.events(), 20)
    found = alone.client.retrieve_environment_info(EnvironmentName=alone.name, InfoType="tail")["EnvironmentInfo"]
    assert [one["Ec2InstanceId"] for one in found] == alone.instances()
    with urllib.request.urlopen(found[0]["Message"], timeout=10) as answer:  # noqa: S310 the sandbox's own address
        text = answer.read().decode()
    assert "/var/log/eb-engine.log" in text
    assert "GET /health" in text
    assert "\x1b" not in text


def test_a_command_runs_on_the_instance(alone):
    told = alone.run("cd /var/app/current && ls && docker compose exec -T web printenv PASSWORD; aws sts get-caller-identity; exit 4")
    assert (told["Status"], told["ResponseCode"]) == ("Failed", 4)
    assert told["StandardOutputContent"].splitlines()[:2] == ["docker-compose.yml", "hush"]
    assert "assumed-role/instances" in told["StandardOutputContent"]


def test_new_settings_reach_the_containers_and_a_restart_leaves_them(alone):
    alone.change(aws_elasticbeanstalk_application_environment__GREETING="goodbye")
    assert alone.page().split()[1] == "goodbye"
    alone.client.restart_app_server(EnvironmentName=alone.name)
    alone.settled()
    assert alone.page().split()[:2] == [alone.described()["VersionLabel"], "goodbye"]


def test_what_is_killed_comes_back_as_it_was_and_is_heard_again(alone, live):
    before, words, log = alone.instances(), alone.page(), "eb-docker/containers/eb-current-app/stdouterr.log"

    def begun(part: str) -> list[str]:
        """When the part's containers were started: what comes back may have done so before it is missed."""
        ids = live.engine.ids(part)
        return live.engine.docker("inspect", "--format", "{{.State.StartedAt}}", *ids).split() if ids else []

    def serves() -> bool:
        with contextlib.suppress(requests.RequestException):
            return alone.page() == words
        return False

    for part in (f"ec2/123456789012/{REGION}", f"elb/{alone.name}"):
        killed = begun(part)
        live.engine.docker("kill", *live.engine.ids(part))
        until(lambda part=part, killed=killed: begun(part) not in ([], killed) and serves(), 60)
    told = alone.log(log)
    until(lambda: len(alone.log(log)) > len(told), 30)
    assert (alone.instances(), alone.run("true")["Status"]) == (before, "Success")
    until(lambda: alone.described()["HealthStatus"] == "Ok", 30)


def test_an_update_that_is_aborted_leaves_what_served_and_a_rebuilt_environment_answers_where_it_did(alone):
    before, words = alone.instances(), alone.page()
    alone.service.version("slow", hook="#!/bin/sh\nsleep 20\n")
    alone.client.update_environment(EnvironmentName=alone.name, VersionLabel="slow")
    until(lambda: len(alone.instances()) == 2, 20)
    alone.client.abort_environment_update(EnvironmentName=alone.name)
    assert alone.settled()["HealthStatus"] == "Ok"
    assert (alone.instances(), alone.page()) == (before, words)
    alone.client.rebuild_environment(EnvironmentName=alone.name)
    alone.settled()
    assert (alone.instances() != before, alone.page()) == (True, words)


def test_an_application_that_falls_ill_is_told_of_until_it_is_well(alone):
    alone.run("docker compose exec -T web touch /tmp/ill")
    until(lambda: alone.described()["HealthStatus"] == "Severe", 30)
    assert "/health answers 500, not 200" in alone.events()
    alone.run("docker compose exec -T web rm /tmp/ill")
    until(lambda: alone.described()["HealthStatus"] == "Ok", 30)


def test_several_instances_share_the_requests_roll_scale_and_end(service, live):
    fleet = service.create("orbit-fleet", "v1", BALANCED)
    assert len(fleet.instances()) == 2
    with fleet.unbroken():
        assert fleet.release("v2")["VersionLabel"] == "v2"
    # The batches that are done keep a version that fails in a later one.
    service.version("breaks-later", hook='#!/bin/sh\n! mkdir /srv/once 2>/dev/null && echo "this one breaks" && exit 1 || exit 0\n')
    told = fleet.release("breaks-later")
    assert (told["HealthStatus"], told["VersionLabel"]) == ("Degraded", "v2")
    assert {fleet.words() for _ in range(10)} == {"v2", "breaks-later"}
    assert "this one breaks" in fleet.events()
    fleet.release("v2")
    fleet.change(aws_autoscaling_asg__MinSize="3")
    assert len(fleet.instances()) == 3
    assert running(live, fleet) == 3
    service.cloud.client("ec2").terminate_instances(InstanceIds=fleet.instances()[:1])
    until(lambda: "Removed instance" in fleet.events() and running(live, fleet) == 3, 60)
    service.client.terminate_environment(EnvironmentName=fleet.name)
    assert fleet.settled()["Status"] == "Terminated"
    assert running(live, fleet) == 0
    assert f"elb/{fleet.name}" not in live.parts()


def running(live, environment: Environment) -> int:
    """How many instances a visitor meets."""
    (machine,) = live.engine.ids(f"ec2/123456789012/{REGION}")
    projects = json.loads(live.engine.execute(machine, "docker", "compose", "ls", "--format", "json"))
    known = environment.instances() if environment.described()["Status"] == "Ready" else []
    return len([one for one in projects if one["Name"] in known])


def test_a_worker_is_well_when_its_containers_are(service):
    options = settings(aws_elasticbeanstalk_environment__EnvironmentType="LoadBalanced", aws_autoscaling_asg__MinSize="1")
    worker = service.create("orbit-worker", "v1", [*options], Tier={"Name": "Worker", "Type": "SQS/HTTP"})
    assert worker.described()["HealthStatus"] == "Ok"
    began = time.monotonic()
    service.version("worker-dies", command=["python", "-c", "raise SystemExit('no broker')"])
    assert worker.release("worker-dies")["VersionLabel"] == "v1"
    assert "no broker" in worker.events()
    assert time.monotonic() - began < 60
