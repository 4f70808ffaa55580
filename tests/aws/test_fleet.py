"""Several services in one run: who fails stops no other, the end tells of each, and two operators are in nobody's way.

Fifty of them are in `make test-all`.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import json
import pathlib
import re
import shutil

import pytest

from tests.aws.operator import Operator, Run
from tests.sandbox.conftest import ACCOUNT, REGION, Cloud, sandbox_at_free_port

WELL, OTHER, BROKEN = "apollo", "gemini", "mercury"
BUCKET = f"little-service-sandbox-{ACCOUNT}-{REGION}"
MANY = 50


@dataclasses.dataclass(frozen=True)
class Fleet:
    """Three services of which one is declared wrongly: brought up, looked at, and changed by hand while ann is at work on one of them."""

    up: Run
    status: Run
    second: Run
    reports: dict[str, dict]
    pages: pathlib.Path
    tags_mutable: dict[str, str]

    @staticmethod
    def table(run: Run) -> dict[str, tuple[str, str]]:
        """The table at the end: what is said of each service."""
        rows = re.split(r"\n(?=\S)", run.result.output.rpartition("outcome")[2].partition("\n\n")[0])[1:]
        cells = [" ".join(row.split()).split(" ", 2) for row in rows]
        return {name: (outcome, words[0] if words else "") for name, outcome, *words in cells}


def hold(cloud: Cloud, name: str) -> None:
    """Ann, on another machine, changes a service at this moment."""
    now = datetime.datetime.now(datetime.UTC)
    lease = {
        "holder": "ann@desk",
        "pid": 4711,
        "machine": "desk",
        "since": now.isoformat(),
        "until": (now + datetime.timedelta(hours=1)).isoformat(),
    }
    cloud.client("s3").put_object(Bucket=BUCKET, Key=f"locks/sandbox/{name}", Body=json.dumps(lease).encode())


def mutability(cloud: Cloud, name: str) -> str:
    (found,) = cloud.client("ecr").describe_repositories(repositoryNames=[f"{name}-sandbox"])["repositories"]
    return found["imageTagMutability"]


@pytest.fixture(scope="module")
def fleet(running_sandbox, tmp_path_factory) -> Fleet:
    running_sandbox.control("POST", "reset")
    cloud, folder = running_sandbox, tmp_path_factory.mktemp("fleet")
    ops = Operator.at(cloud, folder)
    for name in (WELL, OTHER, BROKEN):
        ops.has(name)
    ops.declare(BROKEN, service_size="huge")
    up = ops.type("aws_up")
    pages, output = folder / "pages", folder / "status.json"
    status = ops.type("aws_status", pages_dir=pages, output=output)
    for name in (WELL, OTHER):
        cloud.client("ecr").put_image_tag_mutability(repositoryName=f"{name}-sandbox", imageTagMutability="MUTABLE")
    hold(cloud, WELL)
    second = ops.type("aws_up")
    reports = {one["service"]: one for one in json.loads(output.read_text())["services"]}
    return Fleet(up, status, second, reports, pages, {name: mutability(cloud, name) for name in (WELL, OTHER)})


def test_one_service_that_is_declared_wrongly_stops_no_other_and_each_has_its_line(fleet):
    assert fleet.up.status == 2
    said = fleet.table(fleet.up)
    assert {name: outcome for name, (outcome, _) in said.items()} == {WELL: "brought", OTHER: "brought", BROKEN: "failed"}, (
        fleet.up.result.output
    )
    assert "service_size is 'huge' (there are small, standard, large)" in said[BROKEN][1]
    assert f"{WELL}-sandbox-{ACCOUNT}.{REGION}.elasticbeanstalk.com" in said[WELL][1]
    assert f"type the same with: -e name={BROKEN}" in fleet.up.words


def test_what_services_share_is_looked_at_once_for_all_of_them(fleet):
    for run in (fleet.second, fleet.status):
        own = [call["operation"] for call in run.calls if call["principal"].endswith(":user/administrator")]
        assert own.count("GetBucketTagging") == 1, own
        assert own.count("ListConnections") >= 1, own
        assert 0 < own.count("DescribeVpcs") <= 2, "by the check of the account, and for the network"


def test_the_status_of_all_is_a_table_and_a_page_with_a_link_to_each(fleet):
    assert (fleet.status.status, fleet.status.writes) == (2, []), fleet.status.result.output
    said = fleet.table(fleet.status)
    assert (said[WELL][0], said[OTHER][0], said[BROKEN][0]) == ("as", "as", "failed"), fleet.status.result.output
    assert {name: report["verdict"] for name, report in fleet.reports.items()} == {
        WELL: "as declared",
        OTHER: "as declared",
        BROKEN: "refused",
    }
    page = (fleet.pages / "index.html").read_text()
    rows = {tuple(re.findall(r"<td>(?:<a[^>]*>)?(\w+)", row)[:2]): " ".join(row.split()) for row in page.split("<tr>")[2:]}
    assert set(rows) >= {(name, environment) for name in (WELL, OTHER, BROKEN) for environment in ("sandbox", "staging", "production")}
    assert '<span class="verdict as-declared">as declared</span></td><td>Ok</td>' in rows[WELL, "sandbox"]
    assert '<span class="verdict refused">' in rows[BROKEN, "sandbox"]
    assert '<span class="verdict absent">' in rows[WELL, "production"], "a service is brought up there by name first"
    assert "<td>current</td>" in rows[WELL, "sandbox"], "made a minute ago"
    costs = fleet.reports[WELL]["costs"]["total"]
    assert f'<td class="number">{costs:.0f}</td>' in rows[WELL, "sandbox"]
    links = re.findall(r'<a href="([^"]+)"', page)
    assert links == [f"sandbox/{WELL}.html", f"sandbox/{OTHER}.html"]
    assert all((fleet.pages / link).exists() for link in links)


def test_who_works_on_one_service_is_in_the_way_of_nobody_at_another(fleet):
    assert fleet.second.status == 2
    said = fleet.table(fleet.second)
    assert said[WELL][0] == "failed", fleet.second.result.output
    assert "ann@desk (process 4711) holds the lock since" in said[WELL][1]
    assert said[OTHER][0] == "brought", fleet.second.result.output
    assert fleet.tags_mutable == {WELL: "MUTABLE", OTHER: "IMMUTABLE"}


@pytest.mark.full
def test_fifty_services_come_up_and_two_operators_share_them_without_a_wait(tmp_path):
    with sandbox_at_free_port(tmp_path / "state") as cloud:
        ops = Operator.at(cloud, tmp_path)
        names = [f"fleet-{number:02}" for number in range(1, MANY + 1)]
        for name in names:
            ops.has(name)
        first = ops.type("aws_up", timeout=3600)
        assert first.status == 0, first.result.output
        again = ops.type("aws_up", timeout=3600)
        assert (again.status, again.changed, again.writes) == (0, 0, []), again.result.output
        assert set(Fleet.table(again).values()) <= {
            ("as", f"declared http://{name}-sandbox-{ACCOUNT}.{REGION}.elasticbeanstalk.com/") for name in names
        }
        for name in names:
            cloud.client("ecr").put_image_tag_mutability(repositoryName=f"{name}-sandbox", imageTagMutability="MUTABLE")
        half = MANY // 2
        with concurrent.futures.ThreadPoolExecutor() as both:
            operators = [_at_a_desk_of_its_own(ops, tmp_path / str(number)) for number in range(2)]
            lists = [",".join(names[:half]), ",".join(names[half:])]
            done = list(both.map(lambda one, listed: one.type("aws_up", name=listed, timeout=3600), operators, lists))
        assert [run.status for run in done] == [0, 0], [run.result.output for run in done]
        assert {mutability(cloud, name) for name in names} == {"IMMUTABLE"}
        status = ops.type("aws_status", pages_dir=tmp_path / "pages", timeout=3600)
        assert status.status == 0, status.result.output
        assert (tmp_path / "pages/index.html").read_text().count("as-declared") == MANY + 1, "and once in the style"
        listed = ",".join(names)
        down = ops.type("aws_down", name=listed, confirm=listed, scope="all", timeout=3600)
        assert down.status == 0, down.result.output
        assert {outcome for outcome, _ in Fleet.table(down).values()} == {"gone"}


def _at_a_desk_of_its_own(ops: Operator, folder: pathlib.Path) -> Operator:
    folder.mkdir()
    shutil.copytree(ops.workshop.inventories, folder / "inventories")
    return dataclasses.replace(ops, folder=folder, workshop=dataclasses.replace(ops.workshop, inventories=folder / "inventories"))
