# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Compose project, read and changed through Docker's own client."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import tempfile
import time

from ansible_collections.little_service.factory.plugins.module_utils import compose
from ansible_collections.little_service.factory.plugins.module_utils.docker_cli import PAUSE, Client, DockerError

# A step of a Dockerfile in BuildKit's plain output, but not FROM, which is never in the cache.
STEP = re.compile(r"^#(\d+) \[.*\d+/\d+\] (?!FROM )")
# What was paused, or missed its database for a while, is found healthy by its next check; the template's are 15 s apart.
RECOVERY = 30.0  # seconds


class Project(Client):
    """One project. What it has is known by Compose's labels, also when its folder is gone."""

    def config(self) -> dict:
        """What the compose files declare."""
        done = self.run("compose", "config", "--format", "json")
        if done.returncode:
            raise self.error(f"The compose files of {self.name} in {self.path} cannot be used", done.stderr)
        return json.loads(done.stdout)

    def settings_differ(self, settings: dict[str, str]) -> bool:
        """Whether .env is to be changed; the project's own script knows."""
        return bool(settings) and self._dotenv("--check", settings) == "changed"

    def set_settings(self, settings: dict[str, str]) -> None:
        self._dotenv("", settings)

    def _dotenv(self, option: str, settings: dict[str, str]) -> str:
        command = ["bin/dotenv", *([option] if option else []), *(f"{key}={value}" for key, value in settings.items())]
        done = subprocess.run(command, cwd=self.path, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            raise self.error(f"bin/dotenv in {self.path} failed", done.stderr or done.stdout)
        return done.stdout.strip()

    def labelled(self, kind: str, *more: str, form: str) -> list[str]:
        """The project's containers, networks or volumes."""
        return self.docker(kind, "ls", "--filter", f"label={compose.PROJECT}={self.name}", "--format", form, *more).split()

    def containers(self) -> list[compose.Container]:
        ids = self.labelled("container", "--all", "--no-trunc", form="{{.ID}}")
        if not ids:
            return []
        # One may go between the two calls: docker shows the others, and fails.
        shown = self.run("container", "inspect", *ids)
        if shown.returncode and "no such container" not in shown.stderr.lower():
            raise self.error("docker container inspect failed", shown.stderr)
        return compose.containers(json.loads(shown.stdout))

    def networks(self) -> list[str]:
        return self.docker("network", "ls", "--format", "{{.Name}}").split()

    def image_id(self, reference: str) -> str:
        """The image's id, empty where it is not there."""
        return self.run("image", "inspect", "--format", "{{.Id}}", reference).stdout.strip()

    def built_images(self) -> dict[str, str]:
        """The images that Compose built of the service, by id, each with a name to show; those of `make ci` have the service's name too."""
        form = ["--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"]
        listed = self.docker("image", "ls", "--filter", f"label={compose.PROJECT}={self.name}", *form)
        listed += self.docker("image", "ls", "--filter", f"label={compose.PROJECT}", "--filter", f"reference={self.name}", *form)
        return dict(line.split() for line in listed.splitlines())

    def port_owners(self, port: int) -> dict[str, str]:
        """The containers that have a port of this machine, each with its project."""
        form = f'{{{{.Names}}}} {{{{.Label "{compose.PROJECT}"}}}}'
        listed = self.docker("container", "ls", "--filter", f"publish={port}", "--format", form)
        return dict(line.split(" ", 1) for line in listed.splitlines())

    def build(self, images: set[str]) -> set[str]:
        """Build the images, and return those that are others than before."""
        before = {image: self.image_id(image) for image in images}
        with self.started("compose", "build") as process:
            process.wait()
        if process.returncode:
            raise self.error(f"The image of {self.name} cannot be built")
        return {image for image, old in before.items() if self.image_id(image) != old}

    def would_build(self, images: set[str], config: dict) -> set[str]:
        """The images that a build would make anew: the builder is asked, under another name."""
        newer = set()
        for image in images:
            there, trial = self.image_id(image), f"{image}-check"
            built = {
                name: service["build"]
                for name, service in config["services"].items()
                if service.get("image") == image and "build" in service
            }
            declared = {"name": self.name, "services": {name: {"image": trial, "build": build} for name, build in built.items()}}
            if not there or not self._builds_from_cache(declared) or self.image_id(trial) != there:
                newer.add(image)
            self.run("image", "rm", "--no-prune", trial)
        return newer

    def _builds_from_cache(self, declared: dict) -> bool:
        """Whether every step of the build is in the cache; it is stopped where one is not."""
        steps = set()
        with self.asked("compose", "--file", "-", "--project-directory", str(self.path), "build") as process:
            with process.stdin as stdin:
                stdin.write(json.dumps(declared))
            for line in process.stdout:
                number, _, said = line.strip().removeprefix("#").partition(" ")
                if STEP.match(line):
                    steps.add(number)
                elif number in steps and said != "CACHED":
                    return False
                elif said:
                    steps.discard(number)
            return process.wait() == 0

    def differing(self) -> set[str]:
        """The names of the containers that are not as declared."""
        done = self.run("compose", "--dry-run", "create", "--no-build")
        if done.returncode:
            raise self.error(f"{self.name} cannot be compared with its compose files", done.stderr)
        return compose.differing(done.stdout + done.stderr)

    def outdated(self, found: list[compose.Container], repeat: dict[str, list[str]]) -> set[str]:
        """The services whose work has to be done again, since a file is newer than their last end."""
        ended = {one.service: one.finished for one in found if one.status == "exited"}
        return {service for service, patterns in repeat.items() if service in ended and self._newest(patterns) > ended[service]}

    def _newest(self, patterns: list[str]) -> str:
        times = [file.stat().st_mtime for pattern in patterns for file in self.path.glob(pattern)]
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(max(times))) if times else ""

    def rouse(self, found: list[compose.Container], steps: dict[str, str]) -> None:
        """Wake what is paused, and stop what runs and is not well, so that `docker compose up` starts it after what it depends on."""
        for step, command in (("resume", "unpause"), ("restart", "stop")):
            ids = [one.id for one in found if steps.get(one.service) == step]
            if ids:
                self.docker("container", command, *ids)

    def up(self, wanted: dict[str, compose.Service], patience: float) -> None:
        """Start what does not run, and wait until all is well. :raises DockerError: with the last words of what is not."""
        restarts = {one.id: one.restarts for one in self.containers()}
        with self.started("compose", "up", "--detach", "--no-build", "--remove-orphans") as process:
            self._wait(process, wanted, restarts, patience)

    def _wait(self, process: subprocess.Popen, wanted: dict[str, compose.Service], restarts: dict[str, int], patience: float) -> None:
        """`docker compose up --wait` would not see that a container ends again and again, nor say what it waits for."""
        begun, sick_since = time.monotonic(), None
        while True:
            status, now = process.poll(), time.monotonic()
            found = self.containers()
            unwell = compose.unwell(wanted, found)
            if status == 0 and not unwell:
                return
            sick_since = (sick_since or now) if any(one.health == "unhealthy" for one in unwell) else None
            hopeless = compose.lost(unwell) or (sick_since and now - sick_since > RECOVERY)
            looping = compose.looping(found, restarts)
            if status or looping or (status == 0 and hopeless):
                raise self._not_up(wanted, found, looping)
            if now - begun > patience:
                raise self._not_up(wanted, found, [], f" after {patience:.0f} s")
            if status == 0:
                self.say("waiting for " + ", ".join(sorted(f"{one.service} ({one.health or one.status})" for one in unwell)))
            time.sleep(PAUSE)

    def _not_up(
        self, wanted: dict[str, compose.Service], found: list[compose.Container], looping: list[compose.Container], when: str = ""
    ) -> DockerError:
        guilty, waiting = compose.culprits(wanted, found, looping)
        if not guilty:
            return self.error(f"{self.name} did not come up")
        said = "; ".join(f"{one.service} {'ends again and again' if one in looping else one.words}" for one in guilty) + when
        if waiting:
            said += f"; not started because of that: {', '.join(sorted(one.service for one in waiting))}"
        names = " ".join(one.service for one in guilty)
        return DockerError(
            f"{self.name} did not come up: {said}. To see more, type: make -C {self.path} logs of='{names}'",
            last_words={one.service: self._last_words(one) for one in guilty},
        )

    def _last_words(self, container: compose.Container) -> str:
        shown = self.run("container", "logs", "--tail", str(self.log_lines), container.id)
        said = shown.stdout + shown.stderr + (f"\nIts health check says: {container.complaint}" if container.complaint else "")
        return compose.last_lines(said, self.log_lines) or "(it wrote nothing)"

    def down(self) -> None:
        """Remove containers and networks. The compose files are not asked: they may be broken or gone."""
        with tempfile.TemporaryDirectory() as elsewhere:
            self.docker("compose", "--project-name", self.name, "down", "--remove-orphans", cwd=pathlib.Path(elsewhere))
        # Those of `docker compose run` too.
        left = self.labelled("container", "--all", form="{{.ID}}")
        if left:
            self.docker("container", "rm", "--force", *left)
