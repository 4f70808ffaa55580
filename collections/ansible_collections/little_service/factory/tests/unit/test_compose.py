"""What `docker compose up` would have to do."""

from __future__ import annotations

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import compose
from hypothesis import given
from hypothesis import strategies as st

SERVICES = {"web": False, "mysql": False, "migrate": True}
WELL = [
    compose.Container("web", "running", "healthy", 0),
    compose.Container("mysql", "running", "", 0),
    compose.Container("migrate", "exited", "", 0),
]


def test_where_all_is_well_nothing_is_done():
    assert compose.plan(SERVICES, WELL, {}) == {}
    assert compose.unwell(SERVICES, WELL) == {}


@pytest.mark.parametrize(
    ("service", "status", "health", "exit_code", "words"),
    [
        ("web", "running", "unhealthy", 0, "is running and unhealthy"),
        ("web", "exited", "", 137, "ended with exit status 137"),
        ("web", "exited", "", 0, "ended with exit status 0"),
        ("web", "restarting", "", 1, "is restarting"),
        ("web", "created", "", 0, "was not started, since what it depends on did not come up"),
        ("migrate", "exited", "", 1, "ended with exit status 1"),
        ("migrate", "running", "", 0, "is running"),
    ],
)
def test_what_is_not_well_is_started_and_said_in_words(service, status, health, exit_code, words):
    found = [container for container in WELL if container.service != service] + [compose.Container(service, status, health, exit_code)]
    assert compose.plan(SERVICES, found, {}) == {service: "start"}
    assert compose.unwell(SERVICES, found) == {service: words}


def test_what_is_missing_is_made_and_what_is_declared_no_more_is_removed():
    found = [*WELL[:2], compose.Container("beat", "running", "healthy", 0)]
    assert compose.plan(SERVICES, found, {"web": "recreate"}) == {"web": "recreate", "migrate": "create", "beat": "remove"}


def test_differences_are_read_from_a_dry_run():
    printed = """ DRY-RUN MODE -  Container a-b-mysql-1  Running
 DRY-RUN MODE -  Container a-b-migrate-1  Created
 DRY-RUN MODE -  Container a-b-web-1  Recreate
 DRY-RUN MODE -  Container a-b-web-1  Recreated
 DRY-RUN MODE -  Container a-b-beat-1  Creating
 DRY-RUN MODE -  Container a-b-beat-1  Created
 DRY-RUN MODE -  Container a-b-old-1  Removing
 DRY-RUN MODE -  Container another-web-1  Recreate
"""
    assert compose.differences(printed, "a-b") == {"web": "recreate", "beat": "create", "old": "remove"}


def test_containers_of_one_off_commands_are_not_the_projects():
    state = {"Status": "running", "ExitCode": 0, "Health": {"Status": "starting"}}
    inspected = [
        {"Config": {"Labels": {compose.SERVICE: "web", compose.ONE_OFF: "False"}}, "State": state},
        {"Config": {"Labels": {compose.SERVICE: "tools", compose.ONE_OFF: "True"}}, "State": state},
    ]
    assert compose.containers(inspected) == [compose.Container("web", "running", "starting", 0)]


CONTAINERS = st.builds(
    compose.Container,
    service=st.sampled_from(["web", "mysql", "migrate", "old"]),
    status=st.sampled_from(["created", "running", "exited", "restarting", "dead", "paused"]),
    health=st.sampled_from(["", "healthy", "unhealthy", "starting"]),
    exit_code=st.integers(0, 2),
)


@given(st.lists(CONTAINERS, unique_by=lambda container: container.service))
def test_nothing_is_done_only_where_every_service_is_well(found):
    steps = compose.plan(SERVICES, found, {})
    by_service = {container.service: container for container in found}
    for name, ends in SERVICES.items():
        well = name in by_service and by_service[name].is_well(ends)
        assert (name not in steps) == well
    assert steps.get("old", "remove") == "remove"
