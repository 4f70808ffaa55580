"""A line now and then while a task takes long, with what it is at; and none otherwise."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.little_service.factory.plugins.callback import progress

PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    folder: {folder}
  tasks:
    - name: Take long
      ansible.builtin.shell: for step in 1 2 3 4 5 6; do echo "step $step" >>"{{{{ progress_log }}}}"; sleep {seconds}; done
      changed_when: false # it only waits
      vars:
        progress_log: "{{{{ folder }}}}/log"

    - name: Fail
      ansible.builtin.fail:
"""


def play(folder, root, seconds, interval):
    (folder / "play.yml").write_text(PLAY.format(seconds=seconds, folder=folder))
    (folder / "log").write_text("from an earlier run\n")
    return subprocess.run(
        [sys.executable, "-m", "ansible.cli.playbook", folder / "play.yml"],
        cwd=root,
        env={"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "HOME": str(folder), "LITTLE_SERVICE_PROGRESS_INTERVAL": interval},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@pytest.mark.parametrize(("seconds", "interval"), [("0", "30"), ("0.3", "0")])
def test_nothing_is_said_of_a_task_that_is_short_nor_with_an_interval_of_0(tmp_path, pytestconfig, seconds, interval):
    assert "..." not in play(tmp_path, pytestconfig.rootpath, seconds, interval)


def test_of_a_long_task_host_name_seconds_and_its_last_words_are_said_until_it_ends(tmp_path, pytestconfig):
    printed = play(tmp_path, pytestconfig.rootpath, "0.5", "0.9").splitlines()
    said = [line for line in printed if line.startswith("  ... localhost: Take long, ")]
    assert len(said) >= 2, printed
    assert any("step" in line for line in said), printed
    assert not any("earlier" in line for line in said), printed
    ended = printed.index(next(line for line in printed if "TASK [Fail]" in line))
    assert not any("Take long" in line for line in printed[ended:]), printed


def test_the_last_line_is_shown_as_plain_text(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"first\n\x1b[32mpulling\x1b[0m 10%\rpulling \xff 20%\r\n\n")
    assert progress.last_line(str(log)) == "pulling \ufffd 20%"
    assert progress.last_line(str(tmp_path / "missing")) == ""
    assert progress.last_line("") == ""


def test_of_a_log_that_was_there_only_what_is_new_is_shown(tmp_path):
    log = tmp_path / "log"
    log.write_text("old\n")
    assert progress.last_line(str(log), since=4) == ""
    log.write_text("old\nnew\n")
    assert progress.last_line(str(log), since=4) == "new"
    log.write_text("x\n")
    assert progress.last_line(str(log), since=4) == "x", "a file that was begun anew is read from its beginning"


def test_a_line_fits_the_terminal():
    entry = progress.Running("Wait for the database", "orbit", "", 0.0, 0.0)
    assert progress.line(entry, 61.2, 200) == "  ... orbit: Wait for the database, 1 min 1 s"
    assert len(progress.line(entry, 5.0, 20)) < 20


def test_of_a_log_that_is_shown_whole_each_line_comes_once_and_only_when_it_is_whole(tmp_path):
    log = tmp_path / "log"
    assert progress.new_lines(str(log), 0) == ([], 0)
    log.write_text("one\ntw")
    assert progress.new_lines(str(log), 0) == (["one"], 4)
    log.write_text("one\ntwo\n\x1b[1mthree\x1b[0m\n")
    said, size = progress.new_lines(str(log), 4)
    assert said == ["two", "three"]
    assert progress.new_lines(str(log), size) == ([], size)
