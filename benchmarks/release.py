"""The whole path to AWS on a live sandbox: each step of `make demo-aws`, and on what stands then a change, its release and its way back."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import http.client
import pathlib
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

from benchmarks import report
from benchmarks.measure import ROOT, BenchmarkFailed, Series, run, seconds
from sandbox.live.engine import Engine

NAME = "release"
TITLE = "The whole path to AWS, live on this machine"
RUNS = 3
SERVICE = "aws-bench"
REGISTRY = "ecr/123456789012/us-west-2"  # that of the account and the region which inventories/sandbox declares
SAID = "Hello from AWS"  # by the page, when the demonstration has ended
PAGE, ENDED, PUSHED, BACK = "until the page is the new one", "until `release.yml` has ended", "MB that travel to the registry", "rollback"
# What AWS says of its own, word for word; for the other steps it publishes nothing.
PUBLISHED = {
    "Give it its place": (
        '"it can take up to 20 minutes before the new instance is available" '
        "([RDS](https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_GettingStarted.CreatingConnecting.MySQL.html)), "
        'and "about five minutes for Elastic Beanstalk to create your environment" '
        "([Beanstalk](https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/docker-quickstart.html))"
    ),
    "Back with its data": "the same two",
}


@dataclasses.dataclass(frozen=True)
class Standing:
    """A service that `make demo-aws keep=true` has left standing, in folders and at a sandbox of the benchmark's own."""

    folder: pathlib.Path
    port: int

    @property
    def env(self) -> dict[str, str]:
        return {
            "NAME": SERVICE,
            "SERVICES_DIR": str(self.folder / "services"),
            "INVENTORIES_DIR": str(self.folder / "inventories"),
            "LITTLE_SERVICE_SANDBOX_URL": f"http://127.0.0.1:{self.port}",
            "XDG_STATE_HOME": str(self.folder),
        }

    def demo(self) -> list[tuple[str, float]]:
        """Each step of the demonstration, and its seconds."""
        for group in ROOT.glob("inventories/*/group_vars"):
            target = self.folder / "inventories" / group.parent.name
            target.mkdir(parents=True)
            (target / "group_vars").symlink_to(group)
        run(["bin/demo-aws", "true"], **self.env)
        lines = (ROOT / "reports/demo-aws.txt").read_text(encoding="utf-8").splitlines()
        return [(words, float(taken)) for taken, words in (line.split("\t") for line in lines)]

    def play(self, verb: str, **variables: str) -> str:
        given = {"name": SERVICE, "inventories_dir": self.env["INVENTORIES_DIR"], **variables}
        inventories = [word for kind in ("sandbox", "local") for word in ("-i", self.folder / "inventories" / kind)]
        typed = [word for key, text in given.items() for word in ("-e", f"{key}={text}")]
        return run(["ansible-playbook", *inventories, f"{verb}.yml", *typed], **self.env)

    def timed(self, verb: str, **variables: str) -> float:
        return seconds(lambda: self.play(verb, **variables))

    @property
    def address(self) -> str:
        return re.findall(r"http://127\.0\.0\.1:\d+/", (ROOT / "reports/demo-aws.log").read_text(encoding="utf-8"))[-1]

    def page(self) -> str:
        host = self.address.removeprefix("http://").strip("/")
        with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
            connection.request("GET", "/", headers={"Sec-Purpose": "prefetch"})
            return connection.getresponse().read().decode()

    def change(self, words: str) -> None:
        """One line of a template, as a commit."""
        (file,) = [file for file in (self.folder / "services" / SERVICE).glob("server/**/*.html") if SAID in file.read_text()]
        file.write_text(file.read_text().replace(SAID, f"{SAID} {words}"))
        plain = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *plain, "commit", "--quiet", "--all", "--message", words], cwd=file.parent, check=True)

    def release(self, words: str) -> dict[str, float]:
        """Push a change of one line and see it on the page."""
        self.change(words)
        before, begun = self.stored(), time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor() as beside:
            ended = beside.submit(self.timed, "release", push="true")
            while words not in self.page():
                if ended.done():
                    raise BenchmarkFailed(f"release.yml ended, and the page does not say {words}:\n{ended.result()}")
                time.sleep(0.1)
            page = time.perf_counter() - begun
            return {PAGE: page, ENDED: ended.result(), PUSHED: (self.stored() - before) / 1e6}

    def stored(self) -> int:
        """The bytes that the registry keeps."""
        engine = Engine(self.port)
        (registry,) = engine.ids(REGISTRY)
        return int(engine.execute(registry, "du", "-sb", "/var/lib/registry").split()[0])


def measure(runs: int, say: Callable[[str], None]) -> tuple[list[str], dict[str, str]]:
    """The section's paragraphs, and the versions of what was measured."""
    with _standing() as service:
        steps = service.demo()
        say(", ".join(f"{words} {taken:.0f} s" for words, taken in steps))
        first, taken = service.stored(), {}
        for number in range(runs):
            figures = {**service.release(f"round {number + 1}"), BACK: service.timed("rollback")}
            say(f"round {number + 1} of {runs}: " + ", ".join(f"{what} {figure:.1f}" for what, figure in figures.items()))
            for what, figure in figures.items():
                taken.setdefault(what, []).append(figure)
        steps += [
            ("Take away what costs", service.timed("aws_down", scope="costly", confirm=SERVICE)),
            ("Back with its data", service.timed("aws_up")),
            ("Take everything away", service.timed("aws_down", scope="all", confirm=SERVICE, shared="true")),
        ]
    return list(_paragraphs({what: Series.of(figures) for what, figures in taken.items()}, steps, first)), _versions()


@contextlib.contextmanager
def _standing() -> Iterator[Standing]:
    with tempfile.TemporaryDirectory(prefix="release-") as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        service = Standing(pathlib.Path(name), probe.getsockname()[1])
        probe.close()
        try:
            yield service
        finally:
            run(["bin/sandbox", "stop"], **service.env)


def _versions() -> dict[str, str]:
    return {"Docker": run(["docker", "version", "--format", "{{.Server.Version}}"]).strip()}


def _paragraphs(taken: dict[str, Series], steps: list[tuple[str, float]], first: int) -> Iterator[str]:
    yield (
        "A change of one line, on a service of size `small` that stands: `release.yml -e push=true` (source, build with the service's own "
        "tests, immutable deployment), and `rollback.yml` after it."
    )
    yield report.table(["", "Seconds"], [[what, taken[what]] for what in (PAGE, ENDED, BACK)])
    yield (
        f"Of the image only what changed travels: {taken[PUSHED]} MB go to the registry for such a change, its inline cache and manifests "
        f"included. After two releases the registry kept {first / 1e6:.0f} MB."
    )
    yield (
        "`make demo-aws`, step by step, everything on these cores: the build's engine, MySQL, the instances and Ansible. On AWS each "
        "waits for other machines. What AWS publishes is not measured by us."
    )
    rows = [[words, f"{lasted:.0f}", PUBLISHED.get(words, "")] for words, lasted in steps]
    rows.append(["all of it", f"{sum(lasted for _, lasted in steps):.0f}", ""])
    yield report.table(["Step", "Seconds here", "On AWS, in its documentation's words"], rows)
