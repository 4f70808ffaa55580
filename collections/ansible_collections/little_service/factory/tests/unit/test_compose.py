"""What a Compose project needs: read from what docker prints, compared, said in words."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import compose
from hypothesis import given
from hypothesis import strategies as st

WANTED = compose.services(
    {
        "name": "orbit",
        "services": {
            "web": {"image": "orbit:dev", "depends_on": {"migrate": {"condition": "service_completed_successfully"}}},
            "mysql": {"image": "mysql:8.4"},
            "migrate": {"image": "orbit:dev", "build": {"context": "."}, "depends_on": {"mysql": {"condition": "service_healthy"}}},
        },
    }
)


def container(service: str, status: str, health: str = "", exit_code: int = 0, **more: object) -> compose.Container:
    return compose.Container(f"id-{service}", f"orbit-{service}-1", service, status, health, exit_code, **more)


WELL = [container("web", "running", "healthy"), container("mysql", "running"), container("migrate", "exited")]


def well_but(*others: compose.Container) -> list[compose.Container]:
    return [one for one in WELL if one.service not in {other.service for other in others}] + list(others)


def test_a_service_that_others_wait_for_until_it_has_ended_is_one_that_ends():
    assert {name: (service.ends, service.built) for name, service in WANTED.items()} == {
        "web": (False, False),
        "mysql": (False, False),
        "migrate": (True, True),
    }


def test_an_image_without_a_name_has_the_one_that_compose_gives_it():
    assert compose.services({"name": "orbit", "services": {"web": {"build": {}}}})["web"].image == "orbit-web"


def test_where_all_is_well_nothing_is_done():
    assert compose.plan(WANTED, WELL, set(), set()) == {}
    assert compose.unwell(WANTED, WELL) == []


@pytest.mark.parametrize(
    ("changed", "step", "words"),
    [
        (container("web", "running", "unhealthy"), "restart", "is running and unhealthy"),
        (container("web", "running", "starting"), "restart", "is running and starting"),
        (container("web", "restarting", exit_code=1), "restart", "ends again and again, with exit status 1"),
        (container("web", "paused", "healthy"), "resume", "is paused"),
        (container("web", "exited", exit_code=137), "start", "ended with exit status 137"),
        (container("web", "exited"), "start", "ended with exit status 0"),
        (container("web", "created"), "start", "was not started"),
        (container("migrate", "exited", exit_code=1), "start", "ended with exit status 1"),
    ],
)
def test_what_is_not_well_is_started_or_restarted_and_said_in_words(changed, step, words):
    found = well_but(changed)
    assert compose.plan(WANTED, found, set(), set()) == {changed.service: step}
    assert compose.unwell(WANTED, found) == [changed]
    assert changed.words == words


@pytest.mark.parametrize("changed", [container("mysql", "running", "starting"), container("migrate", "running")])
def test_what_is_on_its_way_is_only_waited_for(changed):
    assert compose.plan(WANTED, well_but(changed), set(), set()) == {}
    assert compose.unwell(WANTED, well_but(changed)) == [changed]
    assert not compose.lost([changed])


def test_what_is_missing_is_created_and_what_is_declared_no_more_is_removed():
    found = [*WELL[:2], container("beat", "running", "healthy")]
    assert compose.plan(WANTED, found, {"orbit-web-1"}, set()) == {"web": "recreate", "migrate": "create", "beat": "remove"}


def test_work_that_is_outdated_is_done_again_and_only_where_it_had_ended_well():
    assert compose.plan(WANTED, WELL, set(), {"migrate"}) == {"migrate": "run again"}
    assert compose.plan(WANTED, well_but(container("migrate", "exited", exit_code=1)), set(), {"migrate"}) == {"migrate": "start"}


def test_of_two_containers_that_a_killed_run_left_one_is_made():
    left = dataclasses.replace(WELL[0], id="id-old", name="1f2e_orbit-web-1")
    assert compose.plan(WANTED, [*WELL, left], set(), set()) == {"web": "recreate"}


def test_a_container_that_ends_again_and_again_is_not_waited_for():
    before = container("web", "running", "starting", restarts=7)
    after = dataclasses.replace(before, restarts=7 + compose.LOOP)
    assert compose.looping([before], {before.id: 7}) == []
    assert compose.looping([after], {before.id: 7}) == [after]


def test_the_guilty_are_told_from_those_that_were_never_started():
    guilty, waiting = container("migrate", "exited", exit_code=1), container("web", "created")
    assert compose.culprits(WANTED, well_but(guilty, waiting), []) == ([guilty], [waiting])


def test_what_ended_is_said_first_and_what_only_starts_where_nothing_is_worse():
    starting, unhealthy = container("mysql", "running", "starting"), container("web", "running", "unhealthy")
    ended = container("migrate", "exited", exit_code=1)
    assert compose.culprits(WANTED, well_but(starting, unhealthy, ended), []) == ([ended, unhealthy], [])
    assert compose.culprits(WANTED, well_but(starting), []) == ([starting], [])
    looping = container("web", "running", restarts=compose.LOOP)
    assert compose.culprits(WANTED, well_but(starting, looping), [looping]) == ([looping], [])


def test_containers_that_differ_are_read_from_a_dry_run():
    printed = """ DRY-RUN MODE -  Container orbit-mysql-1  Running
 DRY-RUN MODE -  Container orbit-migrate-1  Created
 DRY-RUN MODE -  Container orbit-web-1  Recreate
 DRY-RUN MODE -  Container orbit-web-1  Recreated
 DRY-RUN MODE -  Container orbit-beat-1  Creating
"""
    assert compose.differing(printed) == {"orbit-web-1"}


def test_containers_are_read_without_those_of_one_off_commands():
    health = {"Status": "unhealthy", "Log": [{"ExitCode": 1, "Output": "Access denied\n"}]}
    state = {"Status": "running", "ExitCode": 0, "FinishedAt": "0001-01-01T00:00:00Z", "Health": health}
    common = {"Id": "a1", "Name": "/orbit-web-1", "State": state, "RestartCount": 2}
    labels = {compose.SERVICE: "web", compose.ONE_OFF: "False"}
    found = compose.containers(
        [{**common, "Config": {"Labels": labels}}, {**common, "Config": {"Labels": {**labels, compose.ONE_OFF: "True"}}}]
    )
    assert [(one.name, one.health, one.complaint, one.restarts) for one in found] == [("orbit-web-1", "unhealthy", "Access denied", 2)]


def test_last_lines_have_no_white_space_at_their_ends_and_no_empty_ones():
    assert compose.last_lines("one\n\n  two  \n\tthree\n\n", 2) == "  two\n        three"


CONTAINERS = st.builds(
    container,
    service=st.sampled_from(["web", "mysql", "migrate", "old"]),
    status=st.sampled_from(["created", "running", "exited", "restarting", "dead", "paused"]),
    health=st.sampled_from(["", "healthy", "unhealthy", "starting"]),
    exit_code=st.integers(0, 2),
)


@given(st.lists(CONTAINERS, unique_by=lambda one: one.service))
def test_nothing_is_done_only_where_every_service_is_well_or_on_its_way(found):
    steps = compose.plan(WANTED, found, set(), set())
    by_service = {one.service: one for one in found}
    for name, service in WANTED.items():
        one = by_service.get(name)
        fine = one is not None and (one.is_well(service.ends) or one.is_on_its_way(service))
        assert (name not in steps) == fine
    assert steps.get("old", "remove") == "remove"
