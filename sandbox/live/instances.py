"""EC2's instances: projects of Compose on one machine, where Beanstalk's engine looks after them (machine/eb_engine). It blocks."""

from __future__ import annotations

import concurrent.futures
import json
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.live import machine, registry
from sandbox.live.engine import Engine, EngineError

Order = dict[str, Any]
SECONDS = 1800  # the longest that anything on an instance may take


class Host:
    """The machine that the instances of one account in one region share; it is started when the first one is needed.

    One that fails comes back, the instances on it with their ids and files, as EC2 recovers them:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-recover.html
    """

    def __init__(self, engine: Engine, account: str, region: str, url: str) -> None:
        self._engine, self._account, self._region = engine, account, region
        self._environment = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": region}
        self._starting, self._machine, self._part = threading.Lock(), "", f"ec2/{account}/{region}"
        self.heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()  # lines of logs, who is ill, and that it is back

    def machine(self) -> str:
        with self._starting:
            if not self._machine:
                prepared = registry.prepare(self._engine, self._account, self._region)
                self._machine = machine.start(self._engine, self._part, prepared, environment=self._environment)
                self._engine.guard(self._part, self._machine, threading.Lock(), self._recovered)
                threading.Thread(target=self._listen, args=[self._machine], daemon=True).start()
        return self._machine

    def address(self) -> str:
        return self._engine.address(self.machine())

    def ask(self, verb: str, order: Order) -> dict[str, Any]:
        """Give the engine on an instance an order; what prevents it from answering is an answer too."""
        try:
            said = self._engine.execute(self.machine(), "eb-engine", verb, stdin=json.dumps(order).encode(), seconds=SECONDS)
        except EngineError as error:
            self._recovered()
            # What was lost with the machine failed; but what is to go would come back with it.
            return self.ask(verb, {**order, "again": True}) if verb == "remove" and "again" not in order else {"failure": str(error)}
        return json.loads(said)

    def ask_each(self, verb: str, instances: Sequence[str], order: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Give several instances an order at once."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(len(instances), 1)) as pool:
            return dict(zip(instances, pool.map(lambda one: self.ask(verb, {**order, "instance": one}), instances), strict=True))

    def _recovered(self) -> bool:
        return bool(self._machine) and machine.recovered(self._engine, self._machine)

    def _listen(self, at: str) -> None:
        """Hear what the machine tells by itself, until it is taken away."""
        command = ["docker", "exec", at, "eb-engine", "follow"]
        while self._recovered():
            self.heard.put({"address": self.address()})
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace") as following:
                for line in following.stdout or ():
                    self.heard.put(json.loads(line))
