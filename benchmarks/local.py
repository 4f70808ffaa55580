"""From a name to the first page, from a saved file to the page, and local_up where there is nothing to do."""

from __future__ import annotations

import dataclasses
import functools
import http.client
import pathlib
import re
import tempfile
import time
import urllib.request
from collections.abc import Callable

import yaml

from benchmarks import engine, report
from benchmarks.measure import BenchmarkFailed, Series, run, seconds

NAME = "local"
TITLE = "A service on this machine"
RUNS = 3
SAVES = 10  # per round and kind of file
COLD, WARM, SECOND = "cold", "warm", "second"
STEPS = {
    COLD: "cold: the engine has no image and no build cache",
    WARM: "warm: base images are there, no build cache",
    SECOND: "second service: the first one runs",
}


@dataclasses.dataclass(frozen=True)
class Service:
    """A service in a folder of the benchmark's."""

    name: str
    folder: pathlib.Path

    @property
    def path(self) -> pathlib.Path:
        return self.folder / "services" / self.name

    @property
    def address(self) -> str:
        facts = yaml.safe_load((self.folder / f"inventories/local/{self.name}.yml").read_text(encoding="utf-8"))
        return f"http://127.0.0.1:{facts['services']['hosts'][self.name]['service_port']}/"

    def make(self) -> str:
        places = ["-e", f"services_dir={self.folder / 'services'}", "-e", f"inventories_dir={self.folder / 'inventories'}"]
        return run(["ansible-playbook", "new_service.yml", "-e", f"name={self.name}", *places])

    def up(self) -> str:
        return self._play("local_up.yml")

    def remove(self) -> str:
        return self._play("local_down.yml", "-e", "scope=all", "-e", f"confirm={self.name}")

    def compose_up(self) -> str:
        return run(["docker", "compose", "--project-directory", self.path, "up", "--build", "--detach", "--wait"])

    def first_page(self) -> None:
        """What a user does for it, and the page itself."""
        self.make()
        self.up()
        self.page()

    def page(self) -> str:
        """The page and its headers; not counted, as when a browser fetches ahead."""
        request = urllib.request.Request(self.address, headers={"Sec-Purpose": "prefetch"})  # noqa: S310 # an http address of ours
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return f"{answer.headers}\n{answer.read().decode()}"

    def _play(self, playbook: str, *options: str) -> str:
        inventories = [word for kind in ("sandbox", "local") for word in ("-i", self.folder / "inventories" / kind)]
        return run(["ansible-playbook", *inventories, playbook, "-e", f"name={self.name}", *options])


class Figures:
    """What was taken, by what it is of."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.taken: dict[str, list[float]] = {}
        self._say = say

    def take(self, what: str, action: Callable[[], object]) -> None:
        self.taken.setdefault(what, []).append(seconds(action))
        self._say(f"{what}: {self.taken[what][-1]:.2f} s")

    def __getitem__(self, what: str) -> Series:
        return Series.of(self.taken[what])


def measure(runs: int, say: Callable[[str], None]) -> tuple[list[str], dict[str, str]]:
    """The section's paragraphs, and the versions of what was measured."""
    figures = Figures(say)
    for number in range(runs):
        say(f"round {number + 1} of {runs}: an engine of its own, empty")
        with tempfile.TemporaryDirectory(prefix="little-service-bench-") as name, engine.empty_engine():
            _round(pathlib.Path(name), figures)
            versions, images = engine.version(), _base_images(pathlib.Path(name))
    return list(_paragraphs(figures, runs, images)), versions


def _round(folder: pathlib.Path, figures: Figures) -> None:
    cold, warm, second = (Service(f"bench-{step}", folder) for step in STEPS)
    figures.take(COLD, cold.first_page)
    cold.remove()
    run(["docker", "builder", "prune", "--all", "--force"])
    figures.take(WARM, warm.first_page)
    figures.take(SECOND, second.first_page)
    for _ in range(2):
        figures.take("no change, local_up", functools.partial(_unchanged, second))
        figures.take("no change, compose", second.compose_up)
    for kind, save in {".py": save_view, "template": save_template}.items():
        for _ in range(SAVES):
            figures.take(f"save {kind}", functools.partial(_saved_to_page, second, save, f"saved-{time.monotonic_ns()}"))
    for service in (second, warm):
        service.remove()


def _unchanged(service: Service) -> None:
    output = service.up()
    if not re.search(r"changed=0 .*failed=0", output):
        raise BenchmarkFailed(f"A second local_up.yml changed something:\n{output}")


def _saved_to_page(service: Service, save: Callable[[Service, str], None], mark: str, patience: float = 60) -> None:
    save(service, mark)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if mark in service.page():
                return
        except (OSError, http.client.HTTPException):  # the web server restarts
            pass
        time.sleep(0.02)
    raise BenchmarkFailed(f"{patience:.0f} s after a save the page was still the old one.")


def save_view(service: Service, mark: str) -> None:
    """A view that answers with a header of the new code."""
    file = next(service.path.glob("server/*_app/views.py"))
    code = file.read_text(encoding="utf-8").partition("\n\n_page = page\n")[0]
    added = f'def page(request):\n    answer = _page(request)\n    answer["Saved"] = "{mark}"\n    return answer\n'
    file.write_text(f"{code}\n\n_page = page\n\n\n{added}", encoding="utf-8")


def save_template(service: Service, mark: str) -> None:
    file = next(service.path.glob("server/*_app/templates/page.html"))
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"(?: saved-\d+)?</h1>", f" {mark}</h1>", text), encoding="utf-8")


def _base_images(folder: pathlib.Path) -> str:
    settings = next(folder.glob("services/*/.env")).read_text(encoding="utf-8")
    return ", ".join(sorted(f"`{image}`" for image in re.findall(r"(?m)^\w+_IMAGE=['\"]?([^'\"\s]+)", settings)))


def _paragraphs(figures: Figures, runs: int, images: str):
    yield "From the name to the first page: `new_service.yml`, `local_up.yml` and a GET, together."
    yield report.table(["", "Seconds"], [[words, figures[step]] for step, words in STEPS.items()])
    yield (
        f"Rounds: {runs}, each with an engine of its own that starts empty. Base images: {images}. A name that begins with `localhost/` "
        "is a stand-in that was built from the distribution's packages, since no registry answered; it is pulled elsewhere."
    )
    yield "The day after:"
    rows = [
        ["`local_up.yml`, nothing to do", figures["no change, local_up"]],
        ["`docker compose up --build --wait` alone, nothing to do", figures["no change, compose"]],
        ["a `.py` file saved, until the page is the new one", figures["save .py"]],
        ["a template saved, until the page is the new one", figures["save template"]],
    ]
    yield report.table(["", "Seconds"], rows)
