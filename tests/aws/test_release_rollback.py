"""Back to a version that was once well: deployed without a build, kept until the next release, refused where the database is in the way."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.aws.test_pipeline_execution import NAME, Releases

BACK = {"pipeline": NAME, "application": NAME, "environments": [NAME]}
FIRST, SECOND, THIRD = ("1" * 40, "2" * 40, "3" * 40)


class History(Releases):
    """Three commits went out, one after the other."""

    def __init__(self, aws) -> None:
        super().__init__(aws)
        self.labels = [self.release(commit) for commit in (FIRST, SECOND, THIRD)]

    def release(self, commit: str) -> str:
        self.aws.run("pipeline_execution", name=NAME, commit=commit, pinned=True)
        return self.serving()

    def serving(self) -> str:
        return self.beanstalk.found()["VersionLabel"]

    def bundle(self, label: str, **files: str) -> None:
        """Put files into a version's bundle."""
        (version,) = self.beanstalk.client.describe_application_versions(ApplicationName=NAME, VersionLabels=[label])["ApplicationVersions"]
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr("docker-compose.yml", "services: {}\n")
            for name, text in files.items():
                archive.writestr(f"{name.replace('_', '-')}.txt", text)
        place = version["SourceBundle"]
        self.beanstalk.s3.put_object(Bucket=place["S3Bucket"], Key=place["S3Key"], Body=body.getvalue())


@pytest.fixture
def history(aws) -> History:
    return History(aws)


def test_it_goes_back_one_version_without_a_build_and_not_further_when_it_is_repeated(aws, history):
    first, second, third = history.labels
    back = aws.bring("release_rollback", **BACK)
    assert back.steps == [
        "update way into stage Deploy (closed_for)",
        f"update application version {third} (tags)",
        "update environment orbit-staging (version)",
    ]
    assert back.writes[0] == "codepipeline:DisableStageTransition"
    assert back.writes[-1] == "elasticbeanstalk:UpdateEnvironment"
    assert (back["version"], back["commit"], back["before"]) == (second, SECOND, third)
    assert history.serving() == second
    further = aws.bring("release_rollback", **BACK, version=FIRST[:8])
    assert further["version"] == history.serving() == first


def test_the_pipeline_does_not_roll_forward_until_the_next_release(aws, history):
    aws.run("release_rollback", **BACK)
    pushed = history.start("4" * 40)
    aws.wait_for(lambda: history.client.get_pipeline_state(name=NAME)["stageStates"][2].get("inboundExecution"))
    assert history.serving() == history.labels[1]
    released = aws.run("pipeline_execution", name=NAME, commit="5" * 40, pinned=True)
    assert (released["kind"], released["others"]) == ("start", ["4" * 40])
    assert history.serving().endswith("5" * 40)
    statuses = {one["pipelineExecutionId"]: one["status"] for one in history.executions()}
    assert statuses[pushed] == "Superseded"
    # The third was left once, and is not what served before.
    assert aws.run("release_rollback", **BACK)["version"] == history.labels[1]


def test_the_commit_that_was_left_can_be_released_again(aws, history):
    aws.run("release_rollback", **BACK)
    assert aws.run("pipeline_execution", name=NAME, commit=THIRD, pinned=True)["kind"] == "start"
    assert history.serving().endswith(THIRD)


def test_it_is_refused_across_a_migration_unless_somebody_proved_it_safe_or_says_so(aws, history):
    newer = "[X]  accounts.0001_initial\n[X]  accounts.0002_drop_email\n"
    history.bundle(history.labels[2], migrations=newer)
    said = aws.refused("release_rollback", **BACK)
    assert "accounts.0002_drop_email" in said
    assert "-e across_migrations=true" in said
    assert history.serving() == history.labels[2]
    assert not history.client.get_pipeline_state(name=NAME)["stageStates"][2].get("inboundTransitionState", {}).get("disabledReason")
    history.bundle(history.labels[2], migrations=newer, migrations_safe="accounts.0002_drop_email\n")
    assert aws.run("release_rollback", check=True, **BACK).changed
    history.bundle(history.labels[2])
    assert "no migrations.txt" in aws.refused("release_rollback", **BACK)
    assert aws.run("release_rollback", across_migrations=True, **BACK)["version"] == history.labels[1]


def test_it_waits_for_what_is_being_deployed(aws, history):
    aws.cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    history.start("4" * 40)
    for _ in range(40):
        aws.cloud.control("PUT", "clock", {"skip": 20})
        state = history.client.get_pipeline_state(name=NAME)["stageStates"][2]
        if state["latestExecution"]["status"] == "InProgress":
            break
    assert "is deploying just now" in aws.refused("release_rollback", **BACK)


def test_a_version_that_was_never_well_is_refused(aws, history):
    assert "was ever deployed well" in aws.refused("release_rollback", **BACK, version="placeholder-1")
    aws.run("release_rollback", **BACK, version=history.labels[0])


@pytest.mark.parametrize("kind", ["throttle", "lost"])
def test_a_fault_in_any_one_call_makes_no_difference(aws, history, kind):
    throttled = ({"service": "codepipeline", "share": 0.2}, {"service": "elasticbeanstalk", "share": 0.2})
    lost = ({"operation": "DisableStageTransition", "times": 1}, {"operation": "UpdateEnvironment", "times": 1})
    aws.faults(*({"kind": kind, **rule} for rule in (throttled if kind == "throttle" else lost)))
    aws.run("release_rollback", **BACK)
    aws.faults()
    assert history.serving() == history.labels[1]
    aws.settled("release_rollback", **BACK)
