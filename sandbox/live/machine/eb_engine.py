#!/usr/bin/python3
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
import fcntl
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

INSTANCES = pathlib.Path("/srv/instances")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
SHOWN = 20  # lines of what failed that a failure tells
RESTARTS = 3  # after so many a container is said to have quit
GOOD = 3  # answers in a row
BUSY = (45, 120)  # seconds for an application that answers wrongly, or not at all, until it is said to be ill
OUTPUT = 24000  # characters: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
# A private view of the files: this instance's folder is /var/app, its logs are /var/log, and how those are written it may change.
PRIVATE, FOLLOW = pathlib.Path("/opt/elasticbeanstalk/config/private"), "eb-docker-compose-log-start"
VIEW = f'mount --bind "$0/app" /var/app; mount --bind "$0/log" /var/log; mount --bind "$0/private" {PRIVATE}; cd "$1"; shift; exec "$@"'
# Whoever follows is thought to sit before a terminal: each line begins with what clears it there.
FOLLOWER = "#!/bin/sh\ndocker compose logs --follow --no-color --since \"$1\" | sed -u 's/\\x1b\\[2K//g'\n"
# What Compose says of its own work.
DONE = "(Creat|Start|Stopp|Remov|Recreat|Pull|Wait|Download|Extract|Healthy)"
PROGRESS = re.compile(rf" *(Network|Container|Volume|Image|\w+) \S* *{DONE}\w*$")
Order = dict[str, Any]


class Failure(Exception):
    """Why a deployment failed, as its event tells it."""


class Instance:
    def __init__(self, name: str) -> None:
        self.name, self.folder = name, INSTANCES / name
        self.app, self.log = self.folder / "app", self.folder / "log"
        self.staging, self.current = self.app / "staging", self.app / "current"
        self.containers = self.log / "eb-docker/containers/eb-current-app"
        self.place = self.current  # where Compose finds its files

    def remembered(self, what: str) -> dict[str, Any]:
        with contextlib.suppress(FileNotFoundError):
            return json.loads((self.folder / f"{what}.json").read_text())
        return {}

    def remember(self, what: str, known: Any) -> None:
        (self.folder / f"{what}.json").write_text(json.dumps(known))

    def make(self) -> None:
        for folder in (self.app, self.containers, self.folder / "private"):
            folder.mkdir(parents=True, exist_ok=True)
        follower = self.folder / "private" / FOLLOW
        if not follower.exists():
            follower.write_text(FOLLOWER)
            follower.chmod(0o755)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One thing at a time is done to an instance."""
        self.make()
        with (INSTANCES / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def environment(self, order: Order) -> dict[str, str]:
        """What hooks and commands find in their environment."""
        own = {key: os.environ[key] for key in ("PATH", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION") if key in os.environ}
        files = [self.place / "docker-compose.yml", self.folder / "override.json"]
        return {
            **own,
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "DOCKER_CONFIG": str(self.folder / "docker"),
            "COMPOSE_PROJECT_NAME": self.name,
            "COMPOSE_FILE": ":".join(str(file) for file in files if file.exists()),
            **order.get("credentials", {}),
            **order.get("variables", {}),
        }

    def say(self, level: str, text: str) -> None:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y/%m/%d %H:%M:%S.%f")
        with (self.log / "eb-engine.log").open("a") as log:
            log.write("".join(f"{now} [{level}] {line}\n" for line in text.splitlines() or [""]))

    def run(self, order: Order, *command: str, log: str | None = "eb-engine.log", why: str, view: bool = False) -> str:
        """Run a command of the deployment, write down what it prints unless that holds secrets, and return it."""
        self.say("INFO", f"Running command: {' '.join(command)}")
        seen = ["unshare", "--mount", "--propagation=private", "sh", "-ec", VIEW, str(self.folder), f"/var/app/{self.place.name}"]
        process = subprocess.Popen(
            [*seen, *command] if view else command,
            env=self.environment(order),
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        out, _, over = output(process, order["until"] - time.time())
        if log:
            with (self.log / log).open("a") as file:
                file.write(out)
        if over:
            raise Failure(f"{why} was not done in the allowed command timeout time. Stderr:{last(out)}")
        if process.returncode:
            raise Failure(f"{why} failed with error exit status {process.returncode}. Stderr:{last(out)}")
        return out

    def compose(self, order: Order, *arguments: str, log: str | None = "eb-engine.log") -> str:
        return self.run(order, "docker", "compose", *arguments, log=log, why=f"Command docker compose {arguments[0]}")


def output(process: subprocess.Popen[str], seconds: float) -> tuple[str, str, bool]:
    """What a process prints, and whether its time ended before it did."""
    try:
        return *process.communicate(timeout=max(seconds, 0.1)), False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return *process.communicate(), True


def last(text: str) -> str:
    """The last lines that say something: not a progress that was drawn."""
    lines = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[^\t -~\x80-\U0010ffff]", "", line).rstrip() for line in text.splitlines()]
    return "\n".join([line for line in lines if line and not PROGRESS.match(line)][-SHOWN:])


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
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.killpg(int((instance.folder / "follower").read_text()), signal.SIGTERM)
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


class Docker(http.client.HTTPConnection):
    """The engine's API: asking it is cheaper than its command line, which is asked for every few seconds."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect("/var/run/docker.sock")

    @classmethod
    def get(cls, path: str) -> Any:
        engine = cls("localhost", timeout=10)
        engine.request("GET", path)
        with engine.getresponse() as answer:
            return json.load(answer)


def containers(instance: Instance) -> list[dict[str, Any]]:
    """The containers of an instance, as docker inspect shows them."""
    label = json.dumps({"label": [f"com.docker.compose.project={instance.name}", "com.docker.compose.oneoff=False"]})
    listed = Docker.get(f"/containers/json?all=1&filters={label.replace(' ', '').replace(chr(34), '%22')}")
    return [Docker.get(f"/containers/{one['Id']}/json") for one in listed]


def service_of(container: dict[str, Any]) -> str:
    return container["Config"]["Labels"]["com.docker.compose.service"]


def failed(container: dict[str, Any]) -> bool:
    """One that ended badly, or cannot stay up. A one-shot that did its work is well."""
    state = container["State"]
    ended = state["Status"] in ("exited", "dead") and state["ExitCode"] != 0
    return ended or state["Status"] == "restarting" or container["RestartCount"] >= RESTARTS


def failed_ones(instance: Instance) -> list[str]:
    return [service_of(container) for container in containers(instance) if failed(container)]


def gone(instance: Instance) -> str | None:
    return next(iter(failed_ones(instance)), None)


def illness(instance: Instance, health: dict[str, Any], ports: dict[str, str]) -> tuple[str | None, bool]:
    """What an instance suffers from, and whether it answers at all."""
    found = containers(instance)
    broken = [service_of(container) for container in found if failed(container)]
    if broken:
        return f"Docker container quit unexpectedly: {broken[0]}.", True
    if not found:
        return "No container runs.", False
    if health.get("path"):
        return visit(health, ports)
    waiting = [service_of(one) for one in found if one["State"].get("Health", {}).get("Status") in ("starting", "unhealthy")]
    return (f"Docker container is not healthy: {', '.join(waiting)}.", False) if waiting else (None, True)


def visit(health: dict[str, Any], ports: dict[str, str]) -> tuple[str | None, bool]:
    """Ask the health path, as a load balancer does: codes are such as 200 or 200,300-310."""
    port = ports.get(str(health["port"]))
    if port is None:
        return f"Nothing is published on port {health['port']}.", True
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=health["timeout"])
    try:
        connection.request("GET", health["path"], headers={"Host": socket.gethostname(), "User-Agent": "ELB-HealthChecker/2.0"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{health['path']} does not answer: {error}", False
    finally:
        connection.close()
    spans = [part.partition("-") for part in str(health["codes"]).split(",")]
    if any(int(low) <= status <= int(high or low) for low, _, high in spans):
        return None, True
    return f"{health['path']} answers {status}, not {health['codes']}.", True


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
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.killpg(int((instance.folder / "follower").read_text()), signal.SIGTERM)
        shutil.rmtree(instance.folder, ignore_errors=True)
    return {}


def command(order: Order) -> dict[str, Any]:
    """A script on the instance, as Systems Manager's agent runs it: by root, without the application's variables."""
    instance = Instance(order["instance"])
    instance.make()
    instance.current.mkdir(exist_ok=True)
    seen = ["unshare", "--mount", "--propagation=private", "sh", "-ec", VIEW, str(instance.folder), order.get("folder") or "/usr/bin"]
    process = subprocess.Popen(
        [*seen, "sh", "-c", order["script"]],
        env=instance.environment(order),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
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
    places: dict[pathlib.Path, int] = {}
    for turn in range(10**9):
        for file in INSTANCES.glob("*/log/**/*.log"):
            instance, _, name = str(file.relative_to(INSTANCES)).partition("/log/")
            for text in new_lines(file, places):
                print(json.dumps({"instance": instance, "log": name, "text": text}), flush=True)
        if turn % 5 == 0:
            for folder in INSTANCES.glob("i-*/health.json"):
                with contextlib.suppress(OSError, ValueError, KeyError, http.client.HTTPException):
                    one = Instance(folder.parent.name)
                    ill, _ = illness(one, one.remembered("health"), one.remembered("ports"))
                    print(json.dumps({"instance": one.name, "ill": ill}), flush=True)
        time.sleep(1)


def new_lines(file: pathlib.Path, places: dict[pathlib.Path, int]) -> list[str]:
    """Whole lines only: the rest of one comes with the next."""
    with contextlib.suppress(FileNotFoundError), file.open("rb") as log:
        log.seek(places.get(file, 0))
        text = log.read(1 << 20)
        end = text.rfind(b"\n") + 1
        places[file] = places.get(file, 0) + end
        return [line for line in text[:end].decode(errors="replace").splitlines() if line]
    places.pop(file, None)
    return []


VERBS = {"deploy": deploy, "restart": restart, "remove": remove, "command": command, "logs": logs, "follow": follow}


if __name__ == "__main__":
    for folder in (INSTANCES, pathlib.Path("/var/app"), PRIVATE):
        folder.mkdir(parents=True, exist_ok=True)
    verb = sys.argv[1]
    answer = VERBS[verb]({} if verb == "follow" else json.load(sys.stdin))
    print(json.dumps(answer))
