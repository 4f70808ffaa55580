"""A line now and then while a task takes long, and none otherwise."""

from __future__ import annotations

import subprocess
import sys

import pytest

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Take long
      ansible.builtin.command: sleep {seconds}
      changed_when: false
"""


@pytest.mark.parametrize(("seconds", "interval", "is_said"), [("3", "0.5", True), ("0", "30", False)])
def test_only_a_task_that_takes_longer_than_the_interval_is_said_to_run_still(tmp_path, pytestconfig, seconds, interval, is_said):
    (tmp_path / "play.yml").write_text(PLAY.format(seconds=seconds))
    done = subprocess.run(
        [sys.executable, "-m", "ansible.cli.playbook", tmp_path / "play.yml"],
        cwd=pytestconfig.rootpath,
        env={"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "LITTLE_SERVICE_PROGRESS_INTERVAL": interval},
        capture_output=True,
        text=True,
        check=True,
    )
    printed = [line for line in done.stdout.splitlines() if line.startswith("  ... Take long [localhost]: ")]
    assert (len(printed) >= 2) == is_said, done.stdout
