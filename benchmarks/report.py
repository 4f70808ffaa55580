"""docs/benchmarks.md: one section per benchmark, each with the facts of the machine and the day."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
from collections.abc import Iterable

from benchmarks.measure import ROOT

FILE = ROOT / "docs/benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`; `python -m benchmarks NAME` renews one section. Each figure is a median, with the least and the
greatest in brackets. What is compared ran in turns (A B A B …) in one go on one machine, so its load weighs on all alike.
"""


def write(title: str, order: list[str], paragraphs: Iterable[str]) -> None:
    """Put a section in the place of the one with its title; the others stay as they are.

    :param order: the titles of all sections, as they are to follow each other.
    """
    text = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    sections = {section.splitlines()[0].removeprefix("## "): section.strip() for section in re.split(r"(?m)^(?=## )", text)[1:]}
    sections[title] = "\n\n".join([f"## {title}", *paragraphs])
    FILE.write_text("\n\n".join([HEAD.strip(), *(sections[name] for name in order if name in sections)]) + "\n", encoding="utf-8")


def table(head: list[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def facts(load: float, versions: dict[str, str]) -> str:
    """The machine, the day and the versions, as a paragraph.

    :param load: the load average before the benchmark began: the work of others.
    """
    versions = {"Python": platform.python_version(), "ansible-core": importlib.metadata.version("ansible-core"), **versions}
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 1024**2
    machine = [
        f"{len(os.sched_getaffinity(0))} cores ({_processor()})",
        f"{memory:.0f} GiB of memory",
        platform.freedesktop_os_release()["PRETTY_NAME"],
        *(f"{name} {version}" for name, version in versions.items()),
    ]
    return f"Measured on {datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}: {', '.join(machine)}. Load average beforehand: {load:.1f}."


def _processor() -> str:
    found = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    return " ".join(found[1].split()) if found else platform.machine()
