"""Beanstalk's engine on instances: ``eb-engine VERB`` with an order in JSON on its input, and an answer in JSON on its output.

It stands in for AWS's own, with its folders, its order of steps and the form of its words:
https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.workflow.html

Several instances share one machine. Each has its folder, which its hooks and commands see as /var/app and /var/log, and is one project of
Compose, by the instance's id. Secrets come with the order: no list of processes shows them.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from containers import failed_ones, gone, illness
from instance import FOLLOW, INSTANCES, PRIVATE, SHOWN, Failure, Instance, Order, last, output

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
TOLD = INSTANCES / "told.json"  # up to which byte of each log
GOOD = 3  # answers in a row
BUSY = (45, 120)  # seconds for an application that answers wrongly, or not at all, until it is said to be ill
OUTPUT = 24000  # characters: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html


def deploy(order: Order) -> dict[str, Any]:
    """A version, or new settings for the one that runs."""
    instance = Instance(order["instance"])
    order["until"] = time.time() + order["seconds"]
    with instance.alone():
        try:
            stage(instance, order)
            login(instance, order)
            instance.place = instance.staging
            hooks(instance, order, "prebuild")
            ports = override(instance, order)
            build(instance, order)
            hooks(instance, order, "predeploy")
            flip(instance)
            start(instance, order)
            hooks(instance, order, "postdeploy")
        except Failure as failure:
            instance.say("ERROR", f"An error occurred during execution of command [app-deploy]. Stop running the command. Error: {failure}")
            return {"failure": str(failure), "ports": instance.remembered("ports")}
        instance.say("INFO", "Instance deployment completed successfully.")
        ill = wait_until_healthy(instance, order.get("health") or {}, ports)
        return {"ports": ports, **({"ill": ill} if ill else {})}


def stage(instance: Instance, order: Order) -> None:
    shutil.rmtree(instance.staging, ignore_errors=True)
    if "bundle" in order:
        instance.staging.mkdir()
        archive = instance.folder / "bundle.zip"
        archive.write_bytes(base64.b64decode(order["bundle"]))
        # unzip keeps what may be executed. Its 1 is a warning.
        done = subprocess.run(["unzip", "-q", "-o", archive, "-d", instance.staging], capture_output=True, text=True, check=False)
        if done.returncode > 1:
            raise Failure(f"The source bundle cannot be unpacked: {done.stderr.strip()}")
        bundled = (instance.staging / ".env").exists()
        instance.remember("bundled", bundled)
    else:
        shutil.copytree(instance.current, instance.staging, symlinks=True)
        bundled = instance.remembered("bundled")
    if not bundled:  # https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/create_deploy_docker.html
        lines = [f"{key}={value}\n" for key, value in sorted(order["variables"].items())]
        (instance.staging / ".env").write_text("".join(lines))


def login(instance: Instance, order: Order) -> None:
    instance.place = instance.staging
    for registry, password in order.get("registries", {}).items():
        done = subprocess.run(
            ["docker", "login", "--username", "AWS", "--password-stdin", registry],
            input=password,
            env=instance.environment(order),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Failure(f"The login to {registry} failed: {last(done.stderr)}")


def hooks(instance: Instance, order: Order, kind: str) -> None:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.hooks.html: in the order of their names."""
    folder = pathlib.Path(".platform", "hooks" if "bundle" in order else "confighooks", kind)
    if not (instance.place / folder).is_dir():
        instance.say("INFO", f"The dir {folder}/ does not exist")
        return
    for hook in sorted((instance.place / folder).iterdir()):
        if hook.is_file():
            hook.chmod(hook.stat().st_mode | 0o111)
            name = str(folder / hook.name)
            instance.run(order, f"./{name}", log="eb-hooks.log", why=f"Command {name}", view=True)


def override(instance: Instance, order: Order) -> dict[str, str]:
    """What differs on a machine that instances share: a port of its own for each that is published, and the sandbox's authority."""
    file = instance.folder / "override.json"
    file.unlink(missing_ok=True)
    if not (instance.staging / "docker-compose.yml").exists():
        raise Failure("The sandbox runs bundles that have a docker-compose.yml.")
    declared = json.loads(instance.compose(order, "--profile=*", "config", "--format=json", log=None))
    ports, services = instance.remembered("ports"), {}
    for name, service in declared["services"].items():
        wanted = [(port.get("published"), port) for port in service.get("ports", [])]
        published = [f"{ports.setdefault(number, free_port())}:{port['target']}" for number, port in wanted if number]
        services[name] = {
            "volumes": [f"{BUNDLE}:{BUNDLE}:ro"],
            "environment": {"SSL_CERT_FILE": BUNDLE},
            **({"ports": published} if published else {}),
        }
    instance.remember("ports", ports)
    # JSON is YAML, but for the tag that takes a list away before it is written anew.
    text = json.dumps({"services": services}, indent=1)
    file.write_text(text.replace('"ports": [', '"ports": !override ['))
    return ports


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return str(probe.getsockname()[1])


def build(instance: Instance, order: Order) -> None:
    instance.compose(order, "pull", "--quiet", "--ignore-buildable")
    if "build" in (instance.staging / "docker-compose.yml").read_text():
        instance.compose(order, "build", "--quiet")


def flip(instance: Instance) -> None:
    shutil.rmtree(instance.current, ignore_errors=True)
    instance.staging.rename(instance.current)
    instance.place = instance.current


def start(instance: Instance, order: Order) -> None:
    since = datetime.datetime.now(datetime.UTC).isoformat()
    instance.remember("health", order.get("health") or {})
    try:
        instance.compose(order, "up", "--detach", "--remove-orphans", "--quiet-pull")
    except Failure as failure:
        # Compose says which container ended, and not why.
        raise Failure(f"{failure}\n{last(said(instance, order))}".rstrip()) from None
    finally:
        follow_containers(instance, order, since)
    time.sleep(1)
    quit_ = gone(instance)
    if quit_:
        text = said(instance, order, quit_)
        raise Failure(f"Docker container quit unexpectedly after launch: {quit_}. {last(text)}")


def said(instance: Instance, order: Order, *services: str) -> str:
    shown = ["--no-color", "--no-log-prefix", f"--tail={SHOWN}", *(services or failed_ones(instance))]
    done = subprocess.run(
        ["docker", "compose", "--ansi=never", "logs", *shown],
        env=instance.environment(order),
        cwd=instance.place,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout


def follow_containers(instance: Instance, order: Order, since: str) -> None:
    """What the containers print goes to the log that AWS streams; what followed them before ends."""
    end_follower(instance)
    with (instance.containers / "stdouterr.log").open("ab") as log:
        follower = subprocess.Popen(
            [str(instance.folder / "private" / FOLLOW), since],
            env=instance.environment(order),
            cwd=instance.place,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    (instance.folder / "follower").write_text(str(follower.pid))


def end_follower(instance: Instance) -> None:
    """Of a machine that failed since, another process may have its number."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        number = int((instance.folder / "follower").read_text())
        if FOLLOW in pathlib.Path(f"/proc/{number}/cmdline").read_text():
            os.killpg(number, signal.SIGTERM)


def follow_again() -> None:
    """On a machine that failed and is back: the containers' lines since the last that was written down."""
    for folder in INSTANCES.glob("i-*/follower"):
        instance = Instance(folder.parent.name)
        with contextlib.suppress(FileNotFoundError):
            written = (instance.containers / "stdouterr.log").stat().st_mtime
            follow_containers(instance, {}, datetime.datetime.fromtimestamp(written, datetime.UTC).isoformat())


def wait_until_healthy(instance: Instance, health: dict[str, Any], ports: dict[str, str]) -> str | None:
    """What is wrong at the end of the time that an instance has to become well."""
    began, well = time.monotonic(), 0
    while True:
        ill, answers = illness(instance, health, ports)
        well = 0 if ill else well + 1
        if well == GOOD:
            return None
        if ill and (ill.startswith("Docker container quit") or time.monotonic() - began > BUSY[not answers]):
            instance.say("ERROR", f"The instance did not pass its health check: {ill}")
            text = last(said(instance, {}))
            return f"{ill} {text}".strip()
        time.sleep(1)


def restart(order: Order) -> dict[str, Any]:
    instance = Instance(order["instance"])
    with instance.alone():
        since = datetime.datetime.now(datetime.UTC).isoformat()
        order["until"] = time.time() + order["seconds"]
        try:
            instance.compose(order, "restart")
        except Failure as failure:
            return {"failure": str(failure)}
        finally:
            follow_containers(instance, order, since)
        ill = wait_until_healthy(instance, instance.remembered("health"), instance.remembered("ports"))
    return {"ill": ill} if ill else {}


def remove(order: Order) -> dict[str, Any]:
    """An instance ends: its containers in their own time, its volumes, its files."""
    instance = Instance(order["instance"])
    with instance.alone():
        subprocess.run(
            ["docker", "compose", "--project-name", instance.name, "down", "--volumes", "--remove-orphans"],
            cwd="/",
            env={key: os.environ[key] for key in ("PATH",)},
            capture_output=True,
            check=False,
        )
        time.sleep(0.5)  # the last lines of its containers
        end_follower(instance)
        shutil.rmtree(instance.folder, ignore_errors=True)
    return {}


def command(order: Order) -> dict[str, Any]:
    """A script on the instance, as Systems Manager's agent runs it: by root, without the application's variables."""
    instance = Instance(order["instance"])
    instance.make()
    instance.current.mkdir(exist_ok=True)
    process = instance.begin(order, "sh", "-c", order["script"], folder=order.get("folder") or "/usr/bin", stderr=subprocess.PIPE)
    out, err, over = output(process, order["seconds"])
    status = "TimedOut" if over else "Failed" if process.returncode else "Success"
    return {"status": status, "code": process.returncode, "out": out[:OUTPUT], "err": err[:OUTPUT]}


def logs(order: Order) -> dict[str, Any]:
    """The last lines of each log, as `eb logs` shows them."""
    instance, text = Instance(order["instance"]), ""
    for file in sorted(instance.log.rglob("*.log")):
        lines = file.read_text(errors="replace").splitlines()[-order["lines"] :]
        rule = "-" * 40
        text += f"{rule}\n/var/log/{file.relative_to(instance.log)}\n{rule}\n" + "\n".join(lines) + "\n\n"
    return {"text": text}


def follow(_: Order) -> None:
    """For ever: what is new in the logs each second, and who is ill each five."""
    follow_again()
    places = json.loads(TOLD.read_text()) if TOLD.exists() else {}
    for turn in range(10**9):
        for file in INSTANCES.glob("*/log/**/*.log"):
            instance, _, name = str(file.relative_to(INSTANCES)).partition("/log/")
            for text in new_lines(file, places):
                print(json.dumps({"instance": instance, "log": name, "text": text}), flush=True)
        TOLD.write_text(json.dumps(places))
        if turn % 5 == 0:
            for folder in INSTANCES.glob("i-*/health.json"):
                with contextlib.suppress(OSError, ValueError, KeyError, http.client.HTTPException):
                    one = Instance(folder.parent.name)
                    ill, _ = illness(one, one.remembered("health"), one.remembered("ports"))
                    print(json.dumps({"instance": one.name, "ill": ill}), flush=True)
        time.sleep(1)


def new_lines(file: pathlib.Path, places: dict[str, int]) -> list[str]:
    """Whole lines only: the rest of one comes with the next."""
    with contextlib.suppress(FileNotFoundError), file.open("rb") as log:
        log.seek(places.get(str(file), 0))
        text = log.read(1 << 20)
        end = text.rfind(b"\n") + 1
        places[str(file)] = places.get(str(file), 0) + end
        return [line for line in text[:end].decode(errors="replace").splitlines() if line]
    places.pop(str(file), None)
    return []


VERBS = {"deploy": deploy, "restart": restart, "remove": remove, "command": command, "logs": logs, "follow": follow}


if __name__ == "__main__":
    for folder in (INSTANCES, pathlib.Path("/var/app"), PRIVATE):
        folder.mkdir(parents=True, exist_ok=True)
    verb = sys.argv[1]
    answer = VERBS[verb]({} if verb == "follow" else json.load(sys.stdin))
    print(json.dumps(answer))
