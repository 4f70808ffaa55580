"""The whole path to AWS, typed as it is, on a sandbox that runs it all: up, released, rolled back, torn down, back with its data.

The broken commits (`make test-all`) each fail at another place; each time the version before goes on serving, and the cause is named.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import time

import pytest

from tests.live.journey import NAME, Journey

pytestmark = [pytest.mark.docker, pytest.mark.full]  # minutes each


@pytest.fixture(scope="module")
def journey(live, tmp_path_factory) -> Journey:
    found = Journey.begun(live, tmp_path_factory.mktemp("journey"), tests="test_page")
    for _ in range(3):  # data that production alone has
        found.page(visit=True)
    return found


def test_a_change_is_released_without_a_gap_and_rolled_back_without_a_build(journey):
    assert "Hello, World" in journey.page()
    before = journey.counted()
    assert before >= 3
    commit = journey.says("Hello from AWS")
    refused = journey.type("release")
    assert refused.status != 0
    assert "push=true" in refused.words
    with journey.asked() as answers:
        released = journey.goes_well("release", push="true")
        assert "Hello from AWS" in journey.page()
        began = time.monotonic()
        journey.goes_well("rollback")
        took = time.monotonic() - began
    assert commit in released.words or commit[:7] in released.words
    assert "Hello, World" in journey.page()
    assert journey.counted() == before
    print(f"rollback {took:.0f} s; {dict(answers)}")
    assert set(answers) == {"well"}, answers


def test_of_a_release_one_can_see_its_lines_by_part_and_which_of_its_migrations_the_version_before_bears(journey):
    shown = {source: journey.goes_well("logs", source=source, since="1h").result.output for source in ("web", "worker", "build")}
    for source, others in (("web", ("worker", "beat")), ("worker", ("web", "migrate", "redis"))):
        assert f'"part": "{source}"' in shown[source]
        assert not [part for part in others if f'"part": "{part}"' in shown[source]]
    assert "bin/release bundle" in shown["build"]
    assert "0001_initial" in journey.bundled("migrations.txt")
    assert "outbox.0001_initial" in journey.bundled("migrations-safe.txt").splitlines()


def test_what_costs_goes_and_comes_back_with_its_data_and_then_all_goes(journey, live):
    before = journey.counted()
    journey.goes_well("aws_down", scope="costly", confirm=NAME)
    journey.goes_well("aws_up")
    assert "Hello" in journey.page()
    assert journey.counted() == before


def test_what_one_environment_released_goes_to_another_by_its_digest_once_somebody_approves(journey, live):
    inventories = journey.ops.workshop.inventories
    shutil.copytree(inventories / "sandbox/group_vars", inventories / "staging/group_vars", dirs_exist_ok=True)
    journey.ops.declare(NAME, "staging", service_promotes_from="sandbox", service_approval=True)
    staging = dataclasses.replace(journey, environment="staging")
    staging.goes_well("aws_up")
    with staging.under_way("Approve") as released:
        client = live.cloud.client("codepipeline")
        (stage,) = [one for one in client.get_pipeline_state(name=staging.name)["stageStates"] if one["stageName"] == "Approve"]
        (action,) = stage["actionStates"]
        approved = {"status": "Approved", "summary": "It was looked at"}
        where = {"pipelineName": staging.name, "stageName": "Approve", "actionName": action["actionName"]}
        client.put_approval_result(**where, token=action["latestExecution"]["token"], result=approved)
    assert released.result().status == 0, released.result().result.output
    assert staging.address != journey.address
    assert staging.page("version") == journey.page("version")
    images = [re.findall(r"\S+@sha256:\w+", one.bundled("docker-compose.yml")) for one in (journey, staging)]
    assert images[0][0] == images[1][0]
    staging.goes_well("aws_down", scope="all", confirm=NAME)
    assert "Hello" in journey.page()


# Where each fails: in the service's tests; in production alone, which wants a variable that nobody declared; by data that production alone
# has; by a check that production alone makes. What tells production here is what the bundle's compose file sets and no other does.
MIGRATION = """
from django.db import migrations


def refuse(apps, schema_editor):
    for counter in apps.get_model("{app}", "Counter").objects.filter(value__gte=3):
        raise ValueError(f"no room for the {{counter.value}} visits of {{counter.name}}")


class Migration(migrations.Migration):
    dependencies = [("{app}", "0001_initial")]
    operations = [migrations.RunPython(refuse, migrations.RunPython.noop)]
"""
BROKEN = {
    "a test fails": ("server/*_app/services.py", 'value=F("value") + 1', 'value=F("value") + 2', "FAILED"),
    "the image does not start": (
        "server/config/gunicorn.py",
        "threads = 4",
        'threads = int(os.environ["THREADS"]) if "DATABASE_SSL_CA" in os.environ else 4',
        "Error: 'THREADS'",
    ),
    "a migration fails": ("server/*_app/migrations", "", MIGRATION, "ValueError: no room for the"),
    "the application is ill": (
        "server/foundation/health.py",
        '        if request.path == "/health/live":\n            return _answer(200',
        """        import os

        if request.path == "/health/live":
            return _answer(503 if "DATABASE_SSL_CA" in os.environ else 200""",
        "/health/live answers 503, not 200",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_of_a_broken_commit_the_cause_is_named_and_the_version_before_goes_on_serving(journey, kind):
    pattern, old, new, words = BROKEN[kind]
    serving = journey.page("version")
    if old:
        journey.change(old, new, pattern)
    else:
        (folder,) = journey.service.glob(pattern)
        (folder / "0002_refuse.py").write_text(new.format(app=folder.parent.name))
        journey.commit("A migration that production's data does not bear")
    with journey.asked() as answers:
        failed = journey.type("release", push="true")
    journey.undo()
    print(failed.result.output[-3000:])
    assert failed.status != 0
    assert words in failed.words, failed.result.output
    assert "What served before goes on serving" in failed.words
    assert journey.page("version") == serving
    assert set(answers) == {"well"}, answers


def test_all_goes_and_nothing_is_left(journey, live):
    journey.goes_well("aws_down", scope="all", confirm=NAME, shared="true")
    left = [identifier for identifier in live.cloud.standing() if NAME in identifier]
    assert not [identifier for identifier in left if "snapshot" not in identifier and ":secret:" not in identifier], left
    assert not [part for part in live.parts() if NAME in part], live.parts()
