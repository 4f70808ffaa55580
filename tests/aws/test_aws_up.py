"""`aws_up.yml` as it is typed: once, and once more. The whole life of a service is in test_life.py (`make test-all`)."""

from __future__ import annotations

import json

from tests.aws.operator import Operator


def test_a_second_run_changes_and_writes_nothing_and_all_is_as_declared(cloud, tmp_path):
    ops = Operator.at(cloud, tmp_path)
    ops.has("orbit-ledger")
    first = ops.type("aws_up", name="orbit-ledger")
    assert first.status == 0, first.result.output
    again = ops.type("aws_up")
    assert (again.status, again.changed, again.writes) == (0, 0, []), again.result.output
    status = ops.type("aws_status", "--limit", "orbit-ledger", output=tmp_path / "status.json", pages_dir=tmp_path / "pages")
    assert (status.status, status.writes) == (0, []), status.result.output
    (report,) = json.loads((tmp_path / "status.json").read_text())["services"]
    assert (report["verdict"], report["differences"]) == ("as declared", [])
