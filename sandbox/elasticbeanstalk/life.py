"""What environments do, told as stories: each yields how many seconds AWS takes until its next part.

The words are AWS's own, from public logs of `eb create`, `eb deploy` and `eb terminate` (an immutable deployment of February 2026, a launch
and its end of August 2026) and from awsebcli's ebcli/resources/strings.py, which holds those that decide; the seconds are those logs' too.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator

from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk import fleet, options, running, scaling
from sandbox.elasticbeanstalk.deploying import DeploymentFailed, Unhealthy
from sandbox.elasticbeanstalk.fleet import Fleet
from sandbox.elasticbeanstalk.models import Beanstalk, Environment
from sandbox.elasticbeanstalk.options import Settings

Story = Generator[float, None, None]


def health(beanstalk: Beanstalk, environment: Environment, status: str, cause: str = "") -> None:
    """Change an environment's health, and write the change down as enhanced health reporting does."""
    before, environment.health = environment.health, status
    environment.causes = [cause] if status not in ("Ok", "Pending") and cause else []
    if before != status and options.value(environment.settings, "aws:elasticbeanstalk:healthreporting:system", "SystemType") == "enhanced":
        severity = "WARN" if status in ("Warning", "Degraded", "Severe") else "INFO"
        beanstalk.tell(environment, f"Environment health has transitioned from {before} to {status}. {cause}".rstrip(), severity)


def settle(beanstalk: Beanstalk, environment: Environment, *, status: str = "Ready") -> None:
    environment.status, environment.updated = status, beanstalk.clock.now()


def launch(beanstalk: Beanstalk, environment: Environment) -> Story:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateEnvironment.html"""
    beanstalk.tell(environment, "createEnvironment is starting.")
    running.name(beanstalk, environment)
    yield from raise_fleet(beanstalk, environment)


def rebuild(beanstalk: Beanstalk, environment: Environment) -> Story:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RebuildEnvironment.html: the same settings, every resource anew."""
    beanstalk.tell(environment, "rebuildEnvironment is starting.")
    health(beanstalk, environment, "Info", "Environment rebuild in progress.")
    yield 140
    yield from running.end(beanstalk, environment)
    for line in Fleet(beanstalk, environment).remove():
        beanstalk.tell(environment, line)
    yield from raise_fleet(beanstalk, environment)


def raise_fleet(beanstalk: Beanstalk, environment: Environment) -> Story:
    own, parts = Fleet(beanstalk, environment), environment.parts
    yield 1
    create_bucket(beanstalk)
    beanstalk.tell(environment, f"Using {beanstalk.bucket} as Amazon S3 storage bucket for environment data.")
    absent = fleet.missing(beanstalk, environment)
    if absent:
        yield from fail_to_launch(beanstalk, environment, absent)
        return
    try:
        if own.balanced:
            yield 22
            own.create_load_balancer()
            beanstalk.tell(environment, f"Created target group named: {parts['target group']}")
        if environment.tier == "Worker":
            yield 22
            own.create_queue()
        yield 16
        own.create_group()
        scaling.apply(own)
    except AwsError as error:
        yield from fail_to_launch(beanstalk, environment, f"Creating resources failed Reason: {error.message}")
        return
    if "instances' security group" in parts:
        group = parts["instances' security group"]
        beanstalk.tell(environment, f"Created security group named: {group}")
    yield 62
    beanstalk.tell(environment, f"Created Auto Scaling group named: {parts['group']}")
    beanstalk.tell(environment, "Waiting for EC2 instances to launch. This may take a few minutes.")
    yield 90
    if "load balancer" in parts:
        beanstalk.tell(environment, f"Created load balancer named: {parts['load balancer']['LoadBalancerArn']}")
    instances = own.ids()
    beanstalk.tell(environment, f"Added instance{'s' if len(instances) > 1 else ''} [{', '.join(instances)}] to your environment.")
    yield 120
    yield from finish_launch(beanstalk, environment, instances)


def finish_launch(beanstalk: Beanstalk, environment: Environment, instances: list[str]) -> Story:
    environment.deployed = dict.fromkeys(instances, environment.version)
    scaling.stream_logs(Fleet(beanstalk, environment))
    try:
        yield from running.put(beanstalk, environment, environment.version, instances)
    except DeploymentFailed as failure:
        yield from running.attach(beanstalk, environment, instances)
        command_failed(beanstalk, environment, instances, failure)
        health(
            beanstalk,
            environment,
            "Degraded",
            "Command failed on all instances. Initialization completed 4 seconds ago and took 5 minutes.",
        )
        message = "Create environment operation is complete, but with errors. For more information, see troubleshooting documentation."
        beanstalk.tell(environment, message, "ERROR")
    else:
        beanstalk.tell(environment, "Instance deployment completed successfully.")
        health(beanstalk, environment, "Ok", "Initialization completed 12 seconds ago and took 5 minutes.")
        yield from running.attach(beanstalk, environment, instances)
        if environment.tier == "WebServer":
            beanstalk.tell(environment, f"Application available at {environment.address or environment.cname}.")
        beanstalk.tell(environment, f"Successfully launched environment: {environment.name}")
    settle(beanstalk, environment)


def fail_to_launch(beanstalk: Beanstalk, environment: Environment, message: str) -> Story:
    beanstalk.tell(environment, message, "ERROR")
    beanstalk.tell(environment, "Failed to launch environment.", "ERROR")
    environment.status = "Terminating"
    yield 30
    yield from running.end(beanstalk, environment)
    Fleet(beanstalk, environment).remove()
    end(beanstalk, environment)


def command_failed(beanstalk: Beanstalk, environment: Environment, instances: list[str], failure: DeploymentFailed) -> None:
    bad = failure.instances or instances
    named = ", ".join(f"'{instance}'" for instance in bad)
    if isinstance(failure, Unhealthy):
        beanstalk.tell(environment, f"[Instance: {bad[0]}] {failure}", "ERROR")
        message = f"Instance id(s) {named} did not pass health check after command execution. Aborting the operation."
        beanstalk.tell(environment, message, "ERROR")
        return
    if str(failure).startswith("Instance deployment"):
        beanstalk.tell(environment, str(failure), "ERROR")
    beanstalk.tell(environment, "Instance deployment failed. For details, see 'eb-engine.log'.", "ERROR")
    reason = f"Command failed on instance. Return code: 1 Output: {failure}"
    beanstalk.tell(environment, f"[Instance: {bad[0]}] {reason}", "ERROR")
    summary = f"[Successful: {len(instances) - len(bad)}, Failed: {len(bad)}]"
    beanstalk.tell(environment, f"Command execution completed on all instances. Summary: {summary}.")
    beanstalk.tell(environment, f"Unsuccessful command execution on instance id(s) {named}. Aborting the operation.", "ERROR")


def deploy(beanstalk: Beanstalk, environment: Environment, label: str) -> Story:
    """A new version (https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html)."""
    own = Fleet(beanstalk, environment)
    policy = own.option("aws:elasticbeanstalk:command", "DeploymentPolicy")
    beanstalk.tell(environment, "Environment update is starting.")
    health(beanstalk, environment, "Info", "Application update in progress.")
    yield 10
    if policy in ("Immutable", "TrafficSplitting"):
        yield from immutably(beanstalk, environment, label)
        return
    beanstalk.tell(environment, "Deploying new version to instance(s).")
    instances, ill = own.ids(), ""
    size = batch_size(own, policy, len(instances))
    for start in range(0, len(instances), size):
        batch = instances[start : start + size]
        yield 60
        if size < len(instances):
            yield from running.detach(beanstalk, environment, batch)
        try:
            yield from running.put(beanstalk, environment, label, batch)
        except DeploymentFailed as failure:
            environment.deployed |= dict.fromkeys(batch, label)
            yield from running.attach(beanstalk, environment, batch)
            # All at once nobody waits for their health: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.deploy-existing-version.html
            if not isinstance(failure, Unhealthy) or policy != "AllAtOnce":
                command_failed(beanstalk, environment, batch, failure)
                bad = len(failure.instances or batch)
                failed(beanstalk, environment, "Degraded", f"Command failed on {bad} out of {len(instances)} instances.")
                return
            ill = f"{running.ILL} on {len(failure.instances or [])} out of {len(instances)} instances. {failure}"
        environment.deployed |= dict.fromkeys(batch, label)
        yield from running.attach(beanstalk, environment, batch)
        beanstalk.tell(environment, "Instance deployment completed successfully.")
    deployed(beanstalk, environment, label, ill)


def batch_size(own: Fleet, policy: str | None, count: int) -> int:
    if policy == "AllAtOnce":
        return max(count, 1)
    size = int(own.option("aws:elasticbeanstalk:command", "BatchSize"))
    fixed = own.option("aws:elasticbeanstalk:command", "BatchSizeType") == "Fixed"
    return max(1, size if fixed else count * size // 100)


def immutably(beanstalk: Beanstalk, environment: Environment, label: str) -> Story:
    """New instances beside the old ones, which stay as they are when the new ones fail."""
    own, temporary = Fleet(beanstalk, environment), f"awseb-{environment.id}-immutable-stack-AWSEBAutoScalingGroup"
    beanstalk.tell(environment, "Immutable deployment policy enabled. Launching one instance with the new settings to verify health.")
    yield 16
    beanstalk.tell(environment, f"Created temporary auto scaling group {temporary}.")
    old = own.ids()
    new = own.grow() if beanstalk.sandbox.live else []  # records are tried without an instance
    yield 104
    try:
        for batch in (new[:1], new[1:]):
            yield from running.put(beanstalk, environment, label, batch)
    except DeploymentFailed as failure:
        command_failed(beanstalk, environment, new or [f"i-{secrets.token_hex(9)[:17]}"], failure)  # the one that was tried, gone already
        yield from running.withdraw(beanstalk, environment, new)
        yield 60
        failed(beanstalk, environment, "Ok", "")
        return
    beanstalk.tell(environment, "Instance deployment completed successfully.")
    yield 130
    if new:
        yield from running.attach(beanstalk, environment, new)
        yield from running.detach(beanstalk, environment, old)
        own.shrink(old)
    else:
        new, old = own.replace()
    beanstalk.tell(environment, f"Detached new instance(s) from temporary auto scaling group {temporary}.")
    beanstalk.tell(environment, f"Attached new instance(s) to the permanent auto scaling group {environment.parts['group']}.")
    yield 140
    beanstalk.tell(environment, "Deployment succeeded. Terminating old instances and temporary Auto Scaling group.")
    environment.deployed = dict.fromkeys(new, label)
    yield from running.remove(beanstalk, environment, old)
    yield 190
    beanstalk.tell(environment, f"Removed instance{'s' if len(old) > 1 else ''} [{', '.join(old)}] from your environment.")
    deployed(beanstalk, environment, label)


def deployed(beanstalk: Beanstalk, environment: Environment, label: str, ill: str = "") -> None:
    environment.version, environment.deployment = label, environment.deployment + 1
    health(beanstalk, environment, "Severe" if ill else "Ok", ill or "Application update completed 12 seconds ago.")
    beanstalk.tell(environment, "New application version was deployed to running EC2 instances.")
    beanstalk.tell(environment, "Environment update completed successfully.")
    settle(beanstalk, environment)


def failed(beanstalk: Beanstalk, environment: Environment, status: str, cause: str) -> None:
    """A failed deployment ends Ready: only the version, the health and the events tell."""
    environment.deployment += 1
    if len(set(environment.deployed.values())) > 1:
        message = "During an aborted deployment, some instances may have deployed the new application version. To ensure all instances are "
        beanstalk.tell(environment, message + "running the same version, re-deploy the appropriate application version.", "ERROR")
    beanstalk.tell(environment, "Failed to deploy application.", "ERROR")
    health(beanstalk, environment, status, cause)
    settle(beanstalk, environment)


def configure(beanstalk: Beanstalk, environment: Environment, after: Settings) -> Story:
    """New settings; those that instances are made from replace the instances."""
    severity = options.severity(environment.settings, after)
    before, environment.draft, environment.draft_failed = environment.settings, after, False
    beanstalk.tell(environment, "Environment update is starting.")
    beanstalk.tell(environment, f"Updating environment {environment.name}'s configuration settings.")
    health(beanstalk, environment, "Info", "Configuration update in progress.")
    yield 300 if severity == "RestartEnvironment" else 60
    environment.settings = after
    own = Fleet(beanstalk, environment)
    old = own.ids()
    new = own.grow() if severity == "RestartEnvironment" and beanstalk.sandbox.live else []
    try:
        if severity != "NoInterruption":
            yield from running.change(beanstalk, environment, new or old, fresh=bool(new))
    except DeploymentFailed as failure:
        command_failed(beanstalk, environment, new or old, failure)
        environment.settings, environment.draft_failed = before, True
        yield from running.withdraw(beanstalk, environment, new)
        yield from running.revert(beanstalk, environment, [] if new else old)
        beanstalk.tell(environment, "Failed to deploy configuration.", "ERROR")
        beanstalk.tell(environment, "The environment was reverted to the previous configuration setting.", "ERROR")
        health(beanstalk, environment, "Ok")
        settle(beanstalk, environment)
        return
    if environment.tier == "WebServer":
        own.change_type()
    own.resize()
    scaling.apply(own)
    scaling.stream_logs(own)
    if new:
        yield from running.detach(beanstalk, environment, old)
        own.shrink(old)
        environment.deployed = dict.fromkeys(new, environment.version)
    elif severity == "RestartEnvironment":
        environment.deployed = dict.fromkeys(own.replace()[0], environment.version)
    yield from running.converge(beanstalk, environment)
    if "load balancer" in environment.parts:
        own.set_listeners()
    environment.draft = None
    health(beanstalk, environment, "Ok", "Configuration update completed 12 seconds ago.")
    beanstalk.tell(environment, "Successfully deployed new configuration to environment.")
    settle(beanstalk, environment)


def restart(beanstalk: Beanstalk, environment: Environment) -> Story:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RestartAppServer.html"""
    beanstalk.tell(environment, "restartAppServer is starting.")
    yield 30
    yield from running.restart(beanstalk, environment)
    beanstalk.tell(environment, "restartAppServer completed successfully.")
    settle(beanstalk, environment)


def terminate(beanstalk: Beanstalk, environment: Environment) -> Story:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_TerminateEnvironment.html"""
    beanstalk.tell(environment, "terminateEnvironment is starting.")
    yield 15
    beanstalk.tell(environment, "Waiting for EC2 instances to terminate. This may take a few minutes.")
    yield 125
    own = Fleet(beanstalk, environment)
    yield from running.end(beanstalk, environment)
    try:
        if "group" in environment.parts:
            scaling.remove(own)
        for line in own.remove():
            beanstalk.tell(environment, line)
    except AwsError as error:
        beanstalk.tell(environment, f"Deleting security group failed Reason: {error.message}", "ERROR")
        beanstalk.tell(environment, "Failed to terminate environment.", "ERROR")
        settle(beanstalk, environment)
        return
    yield 3
    scaling.delete_logs(own)
    beanstalk.tell(environment, f"Deleting SNS topic for environment {environment.name}.")
    beanstalk.tell(environment, "terminateEnvironment completed successfully.")
    end(beanstalk, environment)


def end(beanstalk: Beanstalk, environment: Environment) -> None:
    environment.health, environment.causes = "Suspended", []
    settle(beanstalk, environment, status="Terminated")


def create_bucket(beanstalk: Beanstalk) -> str:
    """The region's bucket for bundles and logs (https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.S3.html)."""
    bucket = {"Bucket": beanstalk.bucket}
    try:
        beanstalk.invoke("s3", "HeadBucket", **bucket)
    except AwsError:
        where = {} if beanstalk.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": beanstalk.region}}
        beanstalk.invoke("s3", "CreateBucket", **bucket, **where)
    return beanstalk.bucket
