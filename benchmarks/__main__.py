"""``python -m benchmarks [NAME …]``: measure, and write docs/benchmarks.md. Without a name, all of them."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from benchmarks import aws_up, fleet, load, local, new_service, release, report, warm_interpreter
from benchmarks.measure import BenchmarkFailed

BENCHMARKS = {each.NAME: each for each in (new_service, local, load, aws_up, release, fleet, warm_interpreter)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument(
        "--runs", type=int, help=f"rounds (default: {', '.join(f'{name} {benchmark.RUNS}' for name, benchmark in BENCHMARKS.items())})"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
    if options.runs is not None and options.runs < 1:
        parser.error(f"--runs is {options.runs}; at least 1 is needed")
    # A plain SIGTERM would leave engines and folders behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for name in options.names or BENCHMARKS:
        benchmark = BENCHMARKS[name]
        say(f"== {name}")
        busy = os.getloadavg()[0]
        try:
            paragraphs, versions = benchmark.measure(options.runs or benchmark.RUNS, say)
        except BenchmarkFailed as failure:
            say(f"The benchmark {name} gave no figure. {failure}\nWhen that is mended, type: python -m benchmarks {name}")
            return 1
        report.write(benchmark.TITLE, [each.TITLE for each in BENCHMARKS.values()], [*paragraphs, report.facts(busy, versions)])
        say(f"Written to {report.FILE}")
    return 0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
