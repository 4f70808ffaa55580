"""The table at the end of a run over several hosts, by the callback `outcomes`, on small plays of the tests' own."""

from __future__ import annotations

import pathlib

from tests.conftest import Result, run

TOLD = """
    - ansible.builtin.set_stats: {per_host: true, data: {outcome: up, words: "{{ inventory_hostname }} is there"}}
"""


def played(folder: pathlib.Path, tasks: str, hosts: str = "ann,bob,cy") -> Result:
    file = folder / "play.yml"
    file.write_text(f"- hosts: all\n  connection: local\n  gather_facts: false\n  tasks:\n{tasks}", encoding="utf-8")
    return run("ansible-playbook", "-i", f"{hosts},", file)


def table(result: Result) -> list[str]:
    lines = result.output.partition("\nservice")[2].splitlines()
    return [" ".join(line.split()) for line in lines[1:] if line]


def test_who_fails_has_its_error_there_and_the_others_what_they_told(tmp_path):
    failing = """
    - ansible.builtin.fail: {msg: "There is no room for bob."}
      when: inventory_hostname == 'bob'
"""
    result = played(tmp_path, failing + TOLD)
    assert result.status == 2
    assert table(result) == [
        "ann up ann is there",
        "bob failed There is no room for bob.",
        "cy up cy is there",
        "To take only those that failed, type the same with: -e name=bob",
    ]


def test_a_failure_of_what_is_done_once_for_all_is_told_of_all_but_who_had_left(tmp_path):
    tasks = """
    - ansible.builtin.meta: end_host
      when: inventory_hostname == 'cy'
    - ansible.builtin.debug: {msg: Each for itself}
    - name: Look at what is shared
      ansible.builtin.fail: {msg: It is gone.}
      run_once: true
"""
    result = played(tmp_path, tasks + TOLD)
    assert result.status == 2
    said = table(result)
    assert said[0] == "ann failed It is gone."
    assert said[1].startswith("bob stopped What services share failed in the task “Look at what is shared”")
    assert not [line for line in said if line.startswith("cy")], "it ended before, and well"
    assert said[-1].endswith("-e name=ann,bob")


def test_a_failure_that_was_ignored_is_none_and_a_single_host_needs_no_table(tmp_path):
    ignored = """
    - ansible.builtin.fail: {msg: It does not matter.}
      ignore_errors: true
"""
    result = played(tmp_path, ignored + TOLD)
    assert (result.status, table(result)) == (0, ["ann up ann is there", "bob up bob is there", "cy up cy is there"])
    assert table(played(tmp_path, TOLD, hosts="ann")) == []
