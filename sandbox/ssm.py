"""Systems Manager where instances run: a command is run there, and what it prints is told. Records run nothing, and are moto's.

https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
"""

from __future__ import annotations

import datetime
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from moto.ssm.models import Command, ssm_backends

from sandbox.core import access
from sandbox.core.clock import beside
from sandbox.core.gateway import Answer, Call, operation
from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk import running
from sandbox.elasticbeanstalk.deploying import instance_role
from sandbox.elasticbeanstalk.models import Beanstalk

if TYPE_CHECKING:
    from sandbox.live.ground import Ground

DOCUMENT = "AWS-RunShellScript"
SECONDS = 3600  # https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html


def managed(call: Call, place: Ground) -> dict[str, access.Principal]:
    """The instances whose role lets their agent report, and that role.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html
    """
    beanstalk = call.state(Beanstalk)
    roles = {instance: instance_role(beanstalk, beanstalk.environments[owner]) for instance, owner in place.instances.items()}
    return {instance: role for instance, role in roles.items() if access.allowed(role, "ssm:UpdateInstanceInformation", "*")}


@operation("ssm")
def send_command(call: Call) -> Answer:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html"""
    if not call.sandbox.live:
        return call.forward()
    place, params = running.ground(call.state(Beanstalk)), call.params
    known = managed(call, place)
    if params["DocumentName"].rpartition("/")[2] != DOCUMENT:
        raise AwsError("InvalidDocument", f"The sandbox has {DOCUMENT} alone.")
    if any(instance not in known for instance in params.get("InstanceIds", [])):
        raise AwsError("InvalidInstanceId", f"Instances {params['InstanceIds']} not in a valid state for account {call.account}")
    answer = call.ask()
    command = ssm_backends[call.account][call.region].get_command_by_id(answer["Command"]["CommandId"])
    # By its tags a command finds those too that are gone.
    command.invocations = [one for one in command.invocations if one["InstanceId"] in known]
    command.instance_ids = [one["InstanceId"] for one in command.invocations]
    command.target_count, command.completed_count = len(command.instance_ids), 0
    report(command, {"Status": "InProgress", "StatusDetails": "InProgress", "ResponseCode": -1}, command.instance_ids)
    for instance in command.instance_ids:
        call.clock.play(ran(place, command, known[instance], instance))
    return {"Command": command.response_object()}


def report(command: Command, told: dict[str, Any], instances: list[str]) -> None:
    for invocation in command.invocations:
        if invocation["InstanceId"] in instances:
            invocation.update(told)
    states = {invocation["Status"] for invocation in command.invocations}
    command.status = next((state for state in ("InProgress", "TimedOut", "Failed") if state in states), "Success")
    command.status_details = command.status
    command.completed_count = sum(invocation["Status"] != "InProgress" for invocation in command.invocations)
    command.error_count = sum(invocation["Status"] not in ("InProgress", "Success") for invocation in command.invocations)


def ran(place: Ground, command: Command, role: access.Principal, instance: str) -> Generator[float, None, None]:
    given = command.parameters
    order = {
        "instance": instance,
        "script": "\n".join(given.get("commands", [])),
        "folder": given.get("workingDirectory", [""])[0],
        "seconds": int(given.get("executionTimeout", [str(SECONDS)])[0] or SECONDS),
        "credentials": running.credentials(role),
    }
    began = place.clock.now()
    done = yield from beside(lambda: place.host.ask("command", order))
    ended = place.clock.now()
    told = {
        "Status": done.get("status", "Failed"),
        "StatusDetails": done.get("status", "Failed"),
        "ResponseCode": done.get("code", -1),
        "StandardOutputContent": done.get("out", ""),
        "StandardErrorContent": done.get("err", done.get("failure", "")),
        "ExecutionElapsedTime": f"PT{(ended - began).total_seconds():.3f}S",
        "ExecutionEndDateTime": ended.astimezone(datetime.UTC).isoformat(),
    }
    report(command, told, [instance])


@operation("ssm")
def list_command_invocations(call: Call) -> Answer:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListCommandInvocations.html"""
    commands = ssm_backends[call.account][call.region].list_commands(call.params.get("CommandId"), call.params.get("InstanceId"))
    found = [(command, one) for command in commands for one in command.invocations]
    return {
        "CommandInvocations": [
            {
                **{key: one[key] for key in ("CommandId", "InstanceId", "Comment", "DocumentName", "Status", "StatusDetails")},
                "RequestedDateTime": command.requested_date_time,
                "CommandPlugins": [{"Name": one["PluginName"], "Output": one["StandardOutputContent"], "Status": one["Status"]}]
                if call.params.get("Details")
                else [],
            }
            for command, one in found
            if call.params.get("InstanceId") in (None, one["InstanceId"])
        ]
    }


@operation("ssm")
def describe_instance_information(call: Call) -> Answer:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html"""
    if not call.sandbox.live:
        raise NotImplementedError("records have no agent")
    found = managed(call, running.ground(call.state(Beanstalk)))
    wanted = {part.get("key", part.get("Key")): part.get("valueSet", part.get("Values")) for part in call.params.get("Filters", [])}
    return {
        "InstanceInformationList": [
            {"InstanceId": one, "PingStatus": "Online", "PlatformType": "Linux", "PlatformName": "Amazon Linux", "PlatformVersion": "2023"}
            for one in found
            if one in wanted.get("InstanceIds", [one])
        ]
    }
