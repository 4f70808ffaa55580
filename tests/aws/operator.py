"""Someone in operations: the AWS playbooks typed as they are, on inventories and a sandbox of the test's own."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import shutil
from typing import Any

from tests.conftest import ROOT, Result, Workshop, playbook
from tests.sandbox.conftest import Cloud

NAME = "orbit-ledger"  # the service that most tests of playbooks have
# What a shell may hold for other tools; nothing of it may count.
POISON = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "poisoned-access-key-of-the-shell",
    "AWS_SECRET_ACCESS_KEY": "poisoned-secret-key-of-the-shell",
    "AWS_PROFILE": "missing",
    "AWS_REGION": "eu-north-1",
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a playbook: what was printed, what its tasks did, which calls were made."""

    result: Result
    tasks: list[dict[str, Any]]
    calls: list[dict[str, Any]]

    @property
    def status(self) -> int:
        return self.result.status

    @property
    def words(self) -> str:
        return self.result.words

    @property
    def changed(self) -> int:
        return self.result.changed

    @property
    def writes(self) -> list[str]:
        """The write calls that the playbook made; what AWS's services do by themselves, with their roles, is not counted."""
        own = [call for call in self.calls if call["write"] and call["principal"].endswith(":user/administrator")]
        return [f"{call['service']}:{call['operation']}" for call in own]

    @property
    def steps(self) -> list[str]:
        """``["create repository of images orbit", …]``, with the properties that change, in order."""
        return [
            f"{step['verb']} {step['what']}" + (f" ({', '.join(step['properties'])})" if step["verb"] == "update" else "")
            for task in self.tasks
            for step in task["steps"]
        ]

    @property
    def after(self) -> list[str]:
        """What ``--diff`` shows as coming, thing by thing."""
        return [one["after"] for task in self.tasks for one in task["diff"] if isinstance(one, dict) and task["steps"]]

    @property
    def messages(self) -> str:
        """What the tasks said, white space folded."""
        return " ".join(" ".join(task["msg"] if isinstance(task["msg"], list) else [str(task["msg"])]) for task in self.tasks)


@dataclasses.dataclass(frozen=True)
class Operator:
    """Types the playbooks for the services of one workshop, against one sandbox."""

    workshop: Workshop
    cloud: Cloud
    folder: pathlib.Path

    @classmethod
    def at(cls, cloud: Cloud, folder: pathlib.Path) -> Operator:
        workshop = Workshop(folder / "services", folder / "inventories")
        for group in ROOT.glob("inventories/*/group_vars"):
            shutil.copytree(group, workshop.inventories / group.parent.name / "group_vars")
        return cls(workshop, cloud, folder)

    def has(self, name: str, **facts: Any) -> None:
        """Make a service, and declare of it in the sandbox what is given."""
        made = self.workshop.new_service(name)
        assert made.status == 0, made.output
        self.declare(name, **facts)

    def declare(self, name: str, environment: str = "sandbox", **facts: Any) -> None:
        """Write facts into the service's inventory file, as ops do."""
        file = self.workshop.inventories / environment / f"{name}.yml"
        text = file.read_text(encoding="utf-8")
        for key, value in facts.items():
            line = f"      {key}: {json.dumps(value)}"
            text, found = re.subn(rf"^      {key}:.*$", line, text, flags=re.MULTILINE)
            if not found:
                text = f"{text.rstrip()}\n{line}\n"
        file.write_text(text, encoding="utf-8")

    def type(
        self,
        verb: str,
        /,
        *options: object,
        environment: str = "sandbox",
        env: dict[str, str] | None = None,
        timeout: float = 600,
        **variables: object,
    ) -> Run:
        """Type a playbook, with a shell full of other tools' settings."""
        record = self.folder / "record.jsonl"
        record.unlink(missing_ok=True)
        since = self.cloud.control("GET", "health")["calls"]
        shell = {
            "ANSIBLE_CALLBACK_PLUGINS": str(pathlib.Path(__file__).parent / "plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "little_service.factory.progress,little_service.factory.outcomes,recorder",
            "RECORD_FILE": str(record),
            **POISON,
            **(env or {}),
        }
        inventories = ["-i", self.workshop.inventories / environment, "-i", self.workshop.inventories / "local"]
        given = {"aws_endpoint_url": self.cloud.url, "aws_wait_delay": 0.05, "inventories_dir": self.workshop.inventories, **variables}
        result = playbook(verb, *inventories, *options, timeout=timeout, env=shell, **given)
        tasks = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
        return Run(result, tasks, self.cloud.control("GET", f"calls?since={since}"))


def good(run: Run) -> Run:
    """A run that is to succeed."""
    assert run.status == 0, run.result.output
    return run
