"""What new_service may cost, with the means of `make bench`; and that those means still fit the template.

Time is the processor's, in which what else the machine does hardly weighs; `make bench` takes the clock's.
"""

from __future__ import annotations

import pathlib
import tempfile

import pytest

from benchmarks import measure, new_service, peers
from tests.conftest import processor_seconds
from tests.test_new_service import git


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """new_service and a play with one copy, each as a function that makes it anew in a folder of its own."""
    folder = tmp_path_factory.mktemp("benchmarks")
    bare = peers.one_copy(folder / "bare")

    def in_turn(contender):
        return lambda: contender(pathlib.Path(tempfile.mkdtemp(dir=folder)))

    return in_turn(new_service.new_service), in_turn(bare)


def test_it_costs_at_most_twice_as_much_as_a_play_with_one_copy(commands):
    def cost(command) -> float:
        begun = processor_seconds()
        measure.run(command())
        return processor_seconds() - begun

    ours, bare = zip(*[[cost(command) for command in commands] for _ in range(3)], strict=True)
    assert min(ours) <= 2 * min(bare)


def test_it_takes_less_than_200_mib_of_memory(commands):
    assert measure.peak_mib(commands[0]()) < 200


def test_its_peers_are_given_the_tree_that_it_makes(tmp_path):
    measure.run(new_service.new_service(tmp_path))
    made = tmp_path / "services" / new_service.SERVICE
    source = new_service.source_of(made)
    assert sorted(source.path(file).as_posix() for file in source.files) == sorted(git(made, "ls-files").splitlines())
