"""new_service.yml against Ansible's template loop, cookiecutter, copier, and a play that does nothing but one copy."""

from __future__ import annotations

import functools
import pathlib
import sys
import tempfile
from collections.abc import Callable

import yaml

from benchmarks import peers, report
from benchmarks.measure import ROOT, BenchmarkFailed, Series, peak_mib, run, seconds

NAME = "new_service"
TITLE = "A service's repository from the template"
RUNS = 5
SERVICE = "orbit-ledger"
OURS = "`ansible-playbook new_service.yml`"
BARE = "a play with one `copy`"

Contender = Callable[[pathlib.Path], list[object]]


def measure(runs: int, say: Callable[[str], None]) -> tuple[list[str], dict[str, str]]:
    """The section's paragraphs, and the versions of what was measured."""
    say("setting up cookiecutter and copier (10 s, once)")
    peers.install()
    with tempfile.TemporaryDirectory(prefix="little-service-bench-") as name:
        folder = pathlib.Path(name)
        run(new_service(folder / "reference"))
        made = folder / "reference/services" / SERVICE
        source = source_of(made)
        contenders = {
            OURS: new_service,
            BARE: peers.one_copy(folder / "bare"),
            "cookiecutter": peers.cookiecutter(source, folder / "cookiecutter"),
            "copier": peers.copier(source, folder / "copier"),
            "Ansible's `template` in a loop": peers.ansible_template(source, folder / "loop"),
        }
        _check_equal(contenders, made, folder, say)
        times: dict[str, list[float]] = {contender: [] for contender in contenders}
        for number in range(runs):
            for contender, command in contenders.items():
                times[contender].append(seconds(functools.partial(run, command(_fresh(folder, f"time-{number}")))))
            say(f"round {number + 1} of {runs}: " + ", ".join(f"{each} {taken[-1]:.2f} s" for each, taken in times.items()))
        memory = {contender: peak_mib(command(_fresh(folder, "memory"))) for contender, command in contenders.items()}
    return list(_paragraphs(times, memory, source)), peers.versions("cookiecutter", "copier")


def new_service(folder: pathlib.Path) -> list[object]:
    places = ["-e", f"services_dir={folder / 'services'}", "-e", f"inventories_dir={folder / 'inventories'}"]
    return ["ansible-playbook", "new_service.yml", "-e", f"name={SERVICE}", *places]


def source_of(made: pathlib.Path) -> peers.Source:
    """What the peers are given: the files that are in the made service, and the variables that it was made with."""
    sys.path.insert(0, str(ROOT / "collections"))
    from ansible_collections.little_service.factory.plugins.plugin_utils import inputs, template  # noqa: PLC0415 # the line above finds it

    record = yaml.safe_load((made / ".little-service.yml").read_text(encoding="utf-8"))
    version = template.Version(record["template"]["version"], record["template"]["commit"])
    variables = inputs.template_variables(record["answers"], version)
    everything = [path.relative_to(peers.TEMPLATE) for path in sorted(peers.TEMPLATE.rglob("*")) if not path.is_dir()]
    candidates = peers.Source(everything, variables)
    return peers.Source([file for file in everything if (made / candidates.path(file)).exists()], variables)


def _check_equal(contenders: dict[str, Contender], made: pathlib.Path, folder: pathlib.Path, say: Callable[[str], None]) -> None:
    """A figure of a tool that makes something else would say nothing."""
    ours = peers.snapshot(made)
    for contender, command in contenders.items():
        if contender in (OURS, BARE):
            continue
        target = _fresh(folder, "equal")
        run(command(target))
        wrong = peers.differences(ours, peers.snapshot(target / "made"))
        if wrong:
            raise BenchmarkFailed(f"{contender} made another tree than new_service: {', '.join(wrong[:5])} ({len(wrong)} in all).")
        say(f"{contender}: the same {len(ours)} files")


def _fresh(folder: pathlib.Path, purpose: str) -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=folder))


def _paragraphs(times: dict[str, list[float]], memory: dict[str, float], source: peers.Source):
    rows = []
    for contender, taken in times.items():
        ratio = Series.of(theirs / ours for theirs, ours in zip(taken, times[OURS], strict=True))
        rows.append([contender, Series.of(taken), f"{ratio.median:.2f}", f"{memory[contender]:.0f}"])
    yield (
        f"From an empty folder to {len(source.files)} files, {len(source.templates)} of them templates. All trees were compared and are "
        "equal, modes included. Ours also checks the inputs, makes a git repository with a first commit, and registers the service in four "
        "inventories; the others render only."
    )
    yield report.table(["", "Seconds", "Times ours", "Peak memory, MiB"], rows)
    yield (
        f"Rounds: {len(times[OURS])}. Memory is that of the whole process tree with shared pages counted once (PSS), of a run of its own. "
        "“Times ours” is the median of the rounds' own ratios."
    )
