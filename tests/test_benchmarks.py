"""What new_service may cost, with the means of `make bench`; and that those means still fit the template."""

from __future__ import annotations

from benchmarks import measure, new_service
from tests.conftest import in_plays
from tests.test_new_service import git


def test_it_costs_at_most_twice_as_much_as_a_play_with_one_copy(tmp_path):
    folders = (tmp_path / str(number) for number in range(3))
    assert min(in_plays(lambda: measure.run(new_service.new_service(next(folders)))) for _ in range(3)) <= 2


def test_it_takes_less_than_200_mib_of_memory(tmp_path):
    assert measure.peak_mib(new_service.new_service(tmp_path)) < 200


def test_its_peers_are_given_the_tree_that_it_makes(tmp_path):
    measure.run(new_service.new_service(tmp_path))
    made = tmp_path / "services" / new_service.SERVICE
    source = new_service.source_of(made)
    assert sorted(source.path(file).as_posix() for file in source.files) == sorted(git(made, "ls-files").splitlines())
