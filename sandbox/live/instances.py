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
    """The machine that the instances of one account in one region share; it is started when the first one is needed."""

    def __init__(self, engine: Engine, account: str, region: str, url: str) -> None:
        self._engine, self._account, self._region = engine, account, region
        self._environment = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": region}
        self._starting, self._machine = threading.Lock(), ""
        self.heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()  # lines of logs, and who is ill

    def machine(self) -> str:
        with self._starting:
            if not self._machine:
                prepared = registry.prepare(self._engine, self._account, self._region)
                part = f"ec2/{self._account}/{self._region}"
                self._machine = machine.start(self._engine, part, prepared, environment=self._environment)
                threading.Thread(target=self._listen, args=[self._machine], daemon=True).start()
        return self._machine

    def address(self) -> str:
        return self._engine.address(self.machine())

    def ask(self, verb: str, order: Order) -> dict[str, Any]:
        """Give the engine on an instance an order; what prevents it from answering is an answer too."""
        try:
            said = self._engine.execute(self.machine(), "eb-engine", verb, stdin=json.dumps(order).encode(), seconds=SECONDS)
        except EngineError as error:
            return {"failure": str(error)}
        return json.loads(said)

    def ask_each(self, verb: str, instances: Sequence[str], order: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Give several instances an order at once."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(len(instances), 1)) as pool:
            return dict(zip(instances, pool.map(lambda one: self.ask(verb, {**order, "instance": one}), instances), strict=True))

    def _listen(self, at: str) -> None:
        """Hear what the machine tells by itself, until it goes."""
        command = ["docker", "exec", at, "eb-engine", "follow"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace") as following:
            for line in following.stdout or ():
                self.heard.put(json.loads(line))
