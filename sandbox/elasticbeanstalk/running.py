"""Elastic Beanstalk where it runs: what the stories of life.py do on real instances. Without a live sandbox these do nothing."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import zipfile
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import boto3

from sandbox.core import access
from sandbox.core.clock import beside
from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk.deploying import SECRETS, DeploymentFailed, Unhealthy, check, instance_role, read_secret
from sandbox.elasticbeanstalk.fleet import PROCESS, Fleet
from sandbox.elasticbeanstalk.models import Beanstalk, Environment

if TYPE_CHECKING:
    from sandbox.live.ground import Ground

Story = Generator[float, None, Any]
ILL = "ELB processes are not healthy"
KEYS = {"aws_access_key_id": "the-sandbox-itself-asks", "aws_secret_access_key": "not-checked-by-the-sandbox"}
VARIABLES = "aws:elasticbeanstalk:application:environment"


def ground(beanstalk: Beanstalk) -> Ground:
    from sandbox.live.ground import Ground  # noqa: PLC0415 who runs nothing need not have it

    return beanstalk.sandbox.state(Ground, beanstalk.account, beanstalk.region)


def put(beanstalk: Beanstalk, environment: Environment, label: str | None, instances: Sequence[str], *, fresh: bool = True) -> Story:
    """Put a version on instances, or with ``fresh`` false new settings; DeploymentFailed names those that could not start it."""
    check(beanstalk, environment, label)
    if not beanstalk.sandbox.live or label is None or not instances:
        return
    place, order = ground(beanstalk), ordered(beanstalk, environment, label, fresh=fresh)
    place.instances |= dict.fromkeys(instances, environment.id)
    answers = yield from beside(lambda: place.host.ask_each("deploy", instances, order))
    for instance, answer in answers.items():
        port = answer.get("ports", {}).get(str(order["port"]))
        place.ports |= {instance: int(port)} if port else {}
    for kind, failure in (("failure", DeploymentFailed), ("ill", Unhealthy)):
        told = {instance: answer[kind] for instance, answer in answers.items() if kind in answer}
        if told:
            raise failure(next(iter(told.values())), list(told))


def ordered(beanstalk: Beanstalk, environment: Environment, label: str, *, fresh: bool) -> dict[str, Any]:
    """All that an instance needs to know, gathered under its role."""
    role, own = instance_role(beanstalk, environment), Fleet(beanstalk, environment)
    variables = {name.option: text for name, text in environment.settings.items() if name.namespace == VARIABLES}
    secrets = {n.option: secret(beanstalk, role, n.option, arn) for n, arn in environment.settings.items() if n.namespace == SECRETS}
    bundle = beanstalk.version(environment.application, label).bundle
    order = {
        "variables": {**variables, **secrets},
        "credentials": credentials(role),
        "registries": {},
        "health": watched(own),
        "port": own.option(PROCESS, "Port") or "80",
        "seconds": seconds(own),
    }
    if fresh and bundle:
        body = beanstalk.invoke("s3", "GetObject", Bucket=bundle["S3Bucket"], Key=bundle["S3Key"])["Body"].read()
        order["bundle"] = base64.b64encode(body).decode()
    try:
        for data in beanstalk.invoke("ecr", "GetAuthorizationToken", role)["authorizationData"]:
            host = data["proxyEndpoint"].partition("://")[2]
            order["registries"][host] = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]
    except AwsError:  # a bundle whose image is not in ECR needs no login, and one whose image is does not pass check()
        order["registries"] = {}
    return order


def secret(beanstalk: Beanstalk, role: access.Principal, variable: str, arn: str) -> str:
    """A secret's value, or that of the key in it which the eighth part of its ARN names."""
    text, key = read_secret(beanstalk, role, variable, arn), ":".join(arn.split(":")[7:])
    try:
        return str(json.loads(text)[key]) if key and ":ssm:" not in arn else text
    except (ValueError, KeyError, TypeError) as error:
        raise DeploymentFailed(f"The value of {variable} cannot be read: the secret has no key {key}") from error


def seconds(own: Fleet) -> int:
    """How long an instance may take for what it is told to do."""
    return int(own.option("aws:elasticbeanstalk:command", "Timeout") or 600)


def credentials(role: access.Principal) -> dict[str, str]:
    """The role's keys, which on AWS the instance's metadata service hands out."""
    name = f"arn:aws:iam::{role.account}:role/{role.role}"
    found = next((one.arn for one in [access.role_named(role.account, role.role)] if one), name)
    keys = access.assume(found, "ec2.amazonaws.com")
    names = {"AccessKeyId": "AWS_ACCESS_KEY_ID", "SecretAccessKey": "AWS_SECRET_ACCESS_KEY", "SessionToken": "AWS_SESSION_TOKEN"}
    return {names[key]: text for key, text in keys.items()}


def watched(own: Fleet) -> dict[str, Any]:
    """What is asked of an instance to know that it is well: of a worker nothing but that its containers are."""
    if own.environment.tier == "Worker":
        return {}
    if own.balanced:
        path, codes = own.option(PROCESS, "HealthCheckPath") or "/", own.option(PROCESS, "MatcherHTTPCode") or "200"
    else:  # one instance alone: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html
        path, codes = own.option("aws:elasticbeanstalk:application", "Application Healthcheck URL") or "", "200"
        path = path if path.startswith("/") else path.partition("/")[1] + path.partition("/")[2]
    if not path:
        return {}
    return {
        "path": path,
        "codes": codes,
        "port": own.option(PROCESS, "Port") or "80",
        "timeout": int(own.option(PROCESS, "HealthCheckTimeout") or 5),
    }


def name(beanstalk: Beanstalk, environment: Environment) -> None:
    """Choose where an environment will answer."""
    if beanstalk.sandbox.live and environment.tier == "WebServer":
        environment.address = ground(beanstalk).balancer(environment).address


def attach(beanstalk: Beanstalk, environment: Environment, instances: Sequence[str]) -> Story:
    """Let requests come to these instances, by the address that the environment has had all along."""
    if not beanstalk.sandbox.live or environment.tier != "WebServer":
        return
    place, own = ground(beanstalk), Fleet(beanstalk, environment)
    balancer, health = place.balancer(environment), watched(own)
    https = own.balanced and own.option("aws:elbv2:listener:443", "ListenerEnabled") == "true"
    wanted = (environment.cname, https, own.balanced, health.get("path"), health.get("codes", "200"))
    ports = {instance: place.ports[instance] for instance in instances if instance in place.ports}

    def work() -> None:
        balancer.declare(*wanted)
        for instance, port in ports.items():
            balancer.attach(instance, place.host.address(), port)

    yield from beside(work)


def detach(beanstalk: Beanstalk, environment: Environment, instances: Sequence[str]) -> Story:
    """Let no more requests come to these instances, and those under way be answered."""
    if not beanstalk.sandbox.live or environment.id not in ground(beanstalk).balancers:
        return
    balancer = ground(beanstalk).balancers[environment.id]
    delay = float(Fleet(beanstalk, environment).option(PROCESS, "DeregistrationDelay") or 20)

    def work() -> None:
        for instance in instances:
            balancer.detach(instance, delay)

    yield from beside(work)


def remove(beanstalk: Beanstalk, environment: Environment, instances: Sequence[str]) -> Story:
    """Take away what runs on instances that are no more."""
    if not beanstalk.sandbox.live:
        return
    place = ground(beanstalk)
    known = [instance for instance in instances if instance in place.instances]
    if known:
        yield from detach(beanstalk, environment, known)
        yield from beside(lambda: place.host.ask_each("remove", known, {}))
    for instance in known:
        for kept in (place.instances, place.ports, place.ill):
            kept.pop(instance, None)


def change(beanstalk: Beanstalk, environment: Environment, instances: Sequence[str], *, fresh: bool) -> Story:
    """New settings: on new instances at once, on those that serve one after the other."""
    if fresh or not beanstalk.sandbox.live:
        yield from put(beanstalk, environment, environment.version, instances)
        yield from attach(beanstalk, environment, instances)
        return
    for instance in instances:
        yield from detach(beanstalk, environment, [instance] if len(instances) > 1 else [])
        yield from put(beanstalk, environment, environment.version, [instance], fresh=False)
        yield from attach(beanstalk, environment, [instance])


def revert(beanstalk: Beanstalk, environment: Environment, instances: Sequence[str]) -> Story:
    """The settings of before, on the instances that got others; one that does not start with those either stays as it is."""
    if beanstalk.sandbox.live:
        with contextlib.suppress(DeploymentFailed):
            yield from change(beanstalk, environment, instances, fresh=False)


def withdraw(beanstalk: Beanstalk, environment: Environment, instances: list[str]) -> Story:
    """End instances that were launched for what failed."""
    if instances:
        yield from remove(beanstalk, environment, instances)
        Fleet(beanstalk, environment).shrink(instances)


def converge(beanstalk: Beanstalk, environment: Environment) -> Story:
    """Have what is deployed run on each instance of the group, and nothing on those that left it."""
    if not beanstalk.sandbox.live:
        return
    place, wanted = ground(beanstalk), Fleet(beanstalk, environment).ids()
    yield from remove(beanstalk, environment, [one for one in place.of(environment) if one not in wanted])
    added = [one for one in wanted if one not in place.instances]
    if added:
        yield from put(beanstalk, environment, environment.version, added)
    yield from attach(beanstalk, environment, added)


def undo(beanstalk: Beanstalk, environment: Environment) -> Story:
    """After an update that was aborted: what it launched goes, what it changed is as it was."""
    if not beanstalk.sandbox.live:
        return
    own = Fleet(beanstalk, environment)
    own.shrink([one for one in own.ids() if one not in environment.deployed])
    yield from converge(beanstalk, environment)
    for instance in own.ids():
        yield from put(beanstalk, environment, environment.version, [instance])
    yield from attach(beanstalk, environment, own.ids())


def symptoms(beanstalk: Beanstalk, environment: Environment) -> dict[str, str]:
    """What each instance that is ill suffers from."""
    return ground(beanstalk).symptoms(environment) if beanstalk.sandbox.live else {}


def collect_logs(beanstalk: Beanstalk, environment: Environment, kind: str) -> Story:
    """The instances' logs, the last 100 lines or all in a zip, go to the region's bucket and are told of by addresses that need no keys."""
    beanstalk.tell(environment, "requestEnvironmentInfo is starting.")
    place = ground(beanstalk)
    found = yield from beside(lambda: place.host.ask_each("logs", place.of(environment), {"lines": 100 if kind == "tail" else 10**9}))
    client = boto3.client("s3", endpoint_url=beanstalk.sandbox.url, region_name=beanstalk.region, **KEYS)
    for instance, answer in found.items():
        body = answer.get("text", answer.get("failure", "")).encode()
        name = f"TailLogs-{int(beanstalk.clock.now().timestamp())}.txt"
        if kind != "tail":
            body, name = zipped(name, body), f"BundleLogs-{int(beanstalk.clock.now().timestamp())}.zip"
        where = {"Bucket": beanstalk.bucket, "Key": f"resources/environments/logs/{kind}/{environment.id}/{instance}/{name}"}
        beanstalk.invoke("s3", "PutObject", **where, Body=body)
        url = client.generate_presigned_url("get_object", Params=where, ExpiresIn=86400)
        told = {"InfoType": kind, "Ec2InstanceId": instance, "SampleTimestamp": beanstalk.clock.now(), "Message": url}
        environment.logs.append(told)
        beanstalk.tell(environment, f"[Instance: {instance}] Successfully finished tailing logs.")
    beanstalk.tell(environment, "Pulled logs for environment instances.")


def zipped(name: str, body: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return made.getvalue()


def restart(beanstalk: Beanstalk, environment: Environment) -> Story:
    if beanstalk.sandbox.live:
        place = ground(beanstalk)
        order = {"seconds": seconds(Fleet(beanstalk, environment))}
        yield from beside(lambda: place.host.ask_each("restart", place.of(environment), order))


def end(beanstalk: Beanstalk, environment: Environment) -> Story:
    """Take away all that an environment has."""
    if not beanstalk.sandbox.live:
        return
    place = ground(beanstalk)
    balancer = place.balancers.get(environment.id)  # one that is rebuilt answers where it did
    if balancer:
        yield from beside(balancer.remove)
    yield from remove(beanstalk, environment, place.of(environment))
