"""CodeBuild that builds: each build in a machine of its own with Docker's engine, under the project's role, thrown away afterwards.

https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import io
import json
import logging
import os
import queue
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Generator, Iterator
from typing import Any

from sandbox.codebuild import Build, CodeBuild, finish, phase_done
from sandbox.core import access
from sandbox.core.clock import ASIDE, beside
from sandbox.core.wire import AwsError
from sandbox.live import buildspec, machine, registry, reports
from sandbox.live.buildspec import Buildspec, BuildspecError
from sandbox.live.engine import EngineError

log = logging.getLogger("sandbox")
Doing = Generator[float, None, None]
HOME = "/codebuild/output/src"
LONGEST_LINE = 200_000  # characters; an event of CloudWatch Logs holds 256 KiB
# AWS's words for a build whose container is gone: https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html
DEAD = "Build container found dead before completing the build. Build container died because it was out of memory, or the Docker image is "
DEAD += "not supported."


class Failed(Exception):
    """Why a phase failed: the code of its context, and the message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Ended(Exception):
    """The build is over before its time: stopped, or out of time."""


def run(state: CodeBuild, build: Build) -> Doing:
    """A build from its machine to its artifacts."""
    yield 0
    running = Running(state, build)
    status = "SUCCEEDED"
    try:
        yield from running.phase("PROVISIONING", running.provision())
        yield from running.phase("DOWNLOAD_SOURCE", running.download())
        yield from running.commands()
        yield from running.phase("UPLOAD_ARTIFACTS", running.hand_on())
        status = "FAILED" if running.failed else "SUCCEEDED"
    except Failed:
        status = "FAILED"
    except Ended as ended:
        status = str(ended)
    except Exception:
        log.exception("The build %s", build["id"])
        status = "FAULT"
    yield from beside(running.clear)
    if not build["buildComplete"]:
        running.enter("FINALIZING")
        running.leave("FINALIZING")
        finish(state, build, status)


class Running:
    """One build under way."""

    def __init__(self, state: CodeBuild, build: Build) -> None:
        self.state, self.build, self.engine = state, build, state.sandbox.live
        self.role = access.role_session(build["serviceRole"], "codebuild")
        self.part, self.machine = f"codebuild/{build['id']}", ""
        self.source, self.failed, self.to_the_end = f"{HOME}{build['id'][-8:]}/src", False, True
        self.begun: dict[str, datetime.datetime] = {}
        self.spec: Buildspec | None = None
        self.found: dict[str, reports.Found] = {}
        self.secrets: list[str] = []

    # Phases

    def enter(self, phase: str) -> None:
        self.begun[phase], self.build["currentPhase"] = self.state.clock.now(), phase

    def leave(self, phase: str, failure: Failed | None = None) -> None:
        error = AwsError(failure.code, failure.message) if failure else None
        done = phase_done(phase, self.begun[phase], self.state.clock.now(), error)
        if failure:
            done["contexts"] = [{"statusCode": failure.code, "message": failure.message}]
        self.build["phases"].append(done)

    def phase(self, name: str, doing: Doing) -> Doing:
        """One of CodeBuild's own phases."""
        self.enter(name)
        failure = None
        try:
            yield from doing
        except (AwsError, BuildspecError, EngineError, Failed) as error:
            code = error.code if isinstance(error, Failed | AwsError) else "YAML_FILE_ERROR"
            failure = Failed("INTERNAL_ERROR" if isinstance(error, EngineError) else code, getattr(error, "message", str(error)))
        self.leave(name, failure)
        if failure:
            with contextlib.suppress(AwsError):  # what failed may be the log
                self.log([f"Phase context status code: {failure.code} Message: {failure.message}"], ours=True)
            raise failure

    def check(self) -> None:
        """Go no further once somebody stopped the build, or its time is over."""
        if self.build["buildComplete"]:
            raise Ended("STOPPED")
        if (self.state.clock.now() - self.build["startTime"]).total_seconds() > 60 * self.build["timeoutInMinutes"]:
            raise Ended("TIMED_OUT")

    def provision(self) -> Doing:
        place = {"logGroupName": self.build["logs"]["groupName"], "logStreamName": self.build["logs"]["streamName"]}
        for operation, keys in (("CreateLogGroup", ["logGroupName"]), ("CreateLogStream", list(place))):
            try:
                self.state.invoke("logs", operation, self.role, **{key: place[key] for key in keys})
            except AwsError as error:
                if error.code != "ResourceAlreadyExistsException":
                    raise
        self.log(["Waiting for a machine with an engine"], ours=True)
        cache = self.state.cache(self.build)
        yield from beside(lambda: self.start(cache))

    def start(self, cache: str | None) -> None:
        """Beside the sandbox: the machine, empty but for what is cached of images."""
        known = registry.prepare(self.engine, self.state.account, self.state.region)
        volume = self.engine.volume(cache) if cache else None
        self.machine = machine.start(self.engine, self.part, known, volume=volume)
        # A build that was stopped left its containers where the layers are.
        clean = "docker ps --all --quiet | xargs -r docker rm --force --volumes; docker system prune --force; docker volume prune --force"
        self.engine.execute(self.machine, "sh", "-c", f"mkdir -p {self.source}; {clean}")

    def download(self) -> Doing:
        handed = self.state.handed.get(self.build["id"])
        source = self.build["source"]
        if handed or source["type"] == "S3":
            bucket, _, key = source.get("location", "").partition("/")
            place = handed.source if handed else {"Bucket": bucket, "Key": key}
            body = self.state.invoke("s3", "GetObject", self.role, **place)["Body"].read()
            yield from beside(lambda: self.unpack(body))
        elif source["type"] != "NO_SOURCE":
            raise Failed("CLIENT_ERROR", f"The sandbox builds what a pipeline or S3 hands it, not a source of type {source['type']}")
        text = source.get("buildspec", "")
        if "\n" not in text:
            text = yield from beside(lambda: self.read(text or "buildspec.yml"))
        self.spec = buildspec.parse(text)

    def unpack(self, body: bytes) -> None:
        into = f"cat >/tmp/source.zip && unzip -q -o /tmp/source.zip -d {self.source}"
        self.engine.execute(self.machine, "sh", "-c", into, stdin=body)

    def read(self, name: str) -> str:
        try:
            return self.engine.execute(self.machine, "cat", f"{self.source}/{name}")
        except EngineError:
            raise BuildspecError("YAML file does not exist") from None

    # The commands of the specification

    def commands(self) -> Doing:
        try:
            environment = self.environment()
        except AwsError as error:
            self.enter("INSTALL")
            failure = Failed("SECRETS_OR_PARAMETERS_ERROR", error.message)
            self.leave("INSTALL", failure)
            raise failure from error
        script = buildspec.script(self.spec).encode()
        yield from beside(lambda: self.engine.execute(self.machine, "sh", "-c", "cat >/codebuild/script.sh", stdin=script))
        shell = Shell(self.machine, "/codebuild/script.sh", environment)
        complete = over = False
        while not (over or complete):
            self.check()
            yield ASIDE
            over = shell.over()
            complete = self.hear(shell)
        # What a command left running in the background keeps the pipes open.
        yield from beside(shell.last_words)
        complete = self.hear(shell) or complete
        if not complete:
            phase = self.build["currentPhase"]
            failure = Failed("INTERNAL_ERROR", f"{DEAD} ErrorCode: {shell.status}")
            self.leave(phase, failure)
            self.log([f"Phase context status code: {failure.code} Message: {failure.message}"], ours=True)
            raise failure

    def hear(self, shell: Shell) -> bool:
        """Write down what the commands printed and what the script told since; whether it told that it is done."""
        self.log(list(drained(shell.lines)))
        for line in drained(shell.told):
            kind, _, rest = line.partition(" ")
            if kind == "begin":
                self.enter(rest)
            elif kind == "end":
                self.ended(*rest.split())
            elif kind == "export":
                name, value = rest.split(" ")
                exported = {"name": name, "value": base64.b64decode(value).decode(errors="replace")}
                self.build.setdefault("exportedEnvironmentVariables", []).append(exported)
            elif kind == "done":
                return True
        return False

    def ended(self, phase: str, status: str, number: str = "") -> None:
        failure = None
        if number:
            command = buildspec.commands(self.spec)[int(number)]
            failure = Failed("COMMAND_EXECUTION_ERROR", f"Error while executing command: {command}. Reason: exit status {status}")
            kept = self.spec.phases.get(phase.lower(), {}).get("on-failure")
            self.failed = self.failed or kept != "CONTINUE"
            self.to_the_end = self.to_the_end and (kept == "CONTINUE" or (phase == "BUILD" and kept is None))
            self.log([f"Phase context status code: {failure.code} Message: {failure.message}"], ours=True)
        self.leave(phase, failure)

    def environment(self) -> dict[str, str]:
        """https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html; the project's go before the file's."""
        build, env = self.build, self.spec.env
        given = {variable["name"]: variable for variable in build["environment"].get("environmentVariables", [])}
        plain = {name: str(value) for name, value in env.get("variables", {}).items()}
        stored = {name: ("PARAMETER_STORE", place) for name, place in env.get("parameter-store", {}).items()}
        stored |= {name: ("SECRETS_MANAGER", place) for name, place in env.get("secrets-manager", {}).items()}
        stored |= {name: (one["type"], one["value"]) for name, one in given.items() if one.get("type", "PLAINTEXT") != "PLAINTEXT"}
        plain |= {name: one["value"] for name, one in given.items() if one.get("type", "PLAINTEXT") == "PLAINTEXT"}
        secret = {name: self.stored(kind, place) for name, (kind, place) in stored.items()}
        self.secrets = [value for value in secret.values() if len(value) > 3]
        keys = access.assume(build["serviceRole"], "codebuild.amazonaws.com")
        return {
            **plain,
            **secret,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
            "AWS_ENDPOINT_URL": self.state.sandbox.url_inside,
            "AWS_REGION": self.state.region,
            "AWS_DEFAULT_REGION": self.state.region,
            "CODEBUILD_BUILD_ARN": build["arn"],
            "CODEBUILD_BUILD_ID": build["id"],
            "CODEBUILD_BUILD_IMAGE": build["environment"]["image"],
            "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
            "CODEBUILD_CI": "true",
            "CODEBUILD_INITIATOR": build["initiator"],
            "CODEBUILD_KMS_KEY_ID": build["encryptionKey"],
            "CODEBUILD_LOG_PATH": build["logs"]["streamName"],
            "CODEBUILD_RESOLVED_SOURCE_VERSION": build.get("resolvedSourceVersion", ""),
            "CODEBUILD_SOURCE_VERSION": build.get("sourceVersion", ""),
            "CODEBUILD_SRC_DIR": self.source,
            "CODEBUILD_START_TIME": str(int(build["startTime"].timestamp() * 1000)),
        }

    def stored(self, kind: str, place: str) -> str:
        """The value of a parameter, or of a secret: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.secrets-manager"""
        if kind == "PARAMETER_STORE":
            return str(self.state.invoke("ssm", "GetParameter", self.role, Name=place, WithDecryption=True)["Parameter"]["Value"])
        parts = place.split(":")
        length = 7 if place.startswith("arn:") else 1
        name, key, stage, version = ":".join(parts[:length]), *[*parts[length:], "", "", ""][:3]
        asked = {"SecretId": name, **({"VersionStage": stage} if stage else {}), **({"VersionId": version} if version else {})}
        text = self.state.invoke("secretsmanager", "GetSecretValue", self.role, **asked)["SecretString"]
        return str(json.loads(text)[key]) if key else str(text)

    # What is left

    def report(self) -> None:
        """Beside the sandbox: the files of the reports."""
        for name, declared in self.spec.reports.items():
            files = self.files(declared.get("base-directory", "."), declared.get("files", []))
            self.found[name] = reports.Found(declared.get("file-format", "JUNITXML"), {path: body for path, _, body in files})

    def hand_on(self) -> Doing:
        """Reports, and artifacts to where the pipeline wants them, or to the project's own place in S3."""
        yield from beside(self.report)
        reports.keep(self.state, self.build, self.role, self.found)
        if not self.to_the_end:
            return
        artifacts = self.spec.artifacts
        handed, project = self.state.handed.get(self.build["id"]), self.state.project(self.build["projectName"])["artifacts"]
        secondary = artifacts.get("secondary-artifacts", {})
        if handed:
            wanted = {name: secondary[name] if len(handed.outputs) > 1 else artifacts for name in handed.outputs}
            for name, declared in wanted.items():
                body = yield from beside(lambda declared=declared: self.archive(declared))
                self.state.invoke("s3", "PutObject", self.role, **handed.outputs[name], Body=body)
                place = handed.outputs[name]
                self.build["artifacts"] = {"location": f"arn:aws:s3:::{place['Bucket']}/{place['Key']}"}
        elif project["type"] == "S3":
            body = yield from beside(lambda: self.archive(artifacts))
            parts = [project.get("path"), self.build["id"] if project.get("namespaceType") == "BUILD_ID" else "", project["name"]]
            key = "/".join(part.strip("/") for part in parts if part)
            if project["packaging"] == "ZIP":
                self.state.invoke("s3", "PutObject", self.role, Bucket=project["location"], Key=key, Body=body)
            else:
                with zipfile.ZipFile(io.BytesIO(body)) as archive:
                    for name in archive.namelist():
                        put = {"Bucket": project["location"], "Key": f"{key}/{name}", "Body": archive.read(name)}
                        self.state.invoke("s3", "PutObject", self.role, **put)
            self.build["artifacts"] = {"location": f"arn:aws:s3:::{project['location']}/{key}"}

    def archive(self, declared: dict[str, Any]) -> bytes:
        """Beside the sandbox: a zip archive of the files, which may be run afterwards if they could be before."""
        found = self.files(declared.get("base-directory", "."), declared.get("files", []), declared.get("exclude-paths", []))
        if not found:
            raise Failed("CLIENT_ERROR", f"no matching artifact paths found in {declared.get('base-directory', '.')}")
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, mode, content in found:
                entry = zipfile.ZipInfo(path.rpartition("/")[2] if declared.get("discard-paths") in ("yes", True) else path)
                entry.external_attr, entry.create_system, entry.compress_type = (0o100000 | mode) << 16, 3, zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
        return body.getvalue()

    def files(self, base: str, patterns: list[str], less: list[str] = ()) -> list[tuple[str, int, bytes]]:
        """Path, mode and content of what lies below a folder of the source and is meant."""
        folder = base if base.startswith("/") else f"{self.source}/{base}"
        try:
            packed = self.engine.fetch(self.machine, f"{folder}/.")
        except EngineError:
            return []
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            members = [(member.name.removeprefix("./"), member) for member in archive if member.isfile()]
            meant = [
                (path, member) for path, member in members if buildspec.matches(path, patterns) and not buildspec.matches(path, list(less))
            ]
            return [(path, member.mode, archive.extractfile(member).read()) for path, member in meant]

    def clear(self) -> None:
        """Beside the sandbox: the engine's end, so that what it cached is whole, and the machine's."""
        with contextlib.suppress(EngineError):
            if self.machine:
                self.engine.docker("stop", "--time", "5", self.machine)
        self.engine.remove(self.part)

    def log(self, lines: list[str], *, ours: bool = False) -> None:
        now = self.state.clock.now()
        written = []
        for printed in lines:
            line = printed
            for secret in self.secrets:
                line = line.replace(secret, "***")
            said = f"[Container] {now:%Y/%m/%d %H:%M:%S.%f} {line}" if ours else line
            written.append({"timestamp": int(now.timestamp() * 1000), "message": f"{said[:LONGEST_LINE]}\n"})
        logs = self.build["logs"]
        place = {"logGroupName": logs["groupName"], "logStreamName": logs["streamName"]}
        for start in range(0, len(written), 1000):
            self.state.invoke("logs", "PutLogEvents", self.role, **place, logEvents=written[start : start + 1000])


class Shell:
    """A script under way in a machine: the lines that its commands print, and what it tells the sandbox."""

    def __init__(self, container: str, script: str, environment: dict[str, str]) -> None:
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.told: queue.SimpleQueue[str] = queue.SimpleQueue()
        named = [f"--env={name}" for name in environment]  # values go by docker's own environment: no process list shows them
        self._process = subprocess.Popen(
            ["docker", "exec", *named, container, "bash", script],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        pipes = ((self._process.stdout, self.lines), (self._process.stderr, self.told))
        self._readers = [threading.Thread(target=read, args=pair, daemon=True) for pair in pipes]
        for reader in self._readers:
            reader.start()

    @property
    def status(self) -> int | None:
        return self._process.returncode

    def last_words(self) -> None:
        for reader in self._readers:
            reader.join(timeout=1)

    def over(self) -> bool:
        return self._process.poll() is not None and not any(reader.is_alive() for reader in self._readers)


def read(pipe: Any, into: queue.SimpleQueue[str]) -> None:
    for line in pipe:
        into.put(line.rstrip("\n"))


def drained(lines: queue.SimpleQueue[str]) -> Iterator[str]:
    while True:
        try:
            yield lines.get_nowait()
        except queue.Empty:
            return
