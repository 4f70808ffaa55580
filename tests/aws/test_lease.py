"""One writer at a time: whoever comes second waits for a person, and whoever died is in nobody's way."""

from __future__ import annotations

import concurrent.futures
import datetime
import json
import os
import subprocess
import sys
import threading
import types

import boto3
import pytest
from ansible_collections.little_service.factory.plugins.module_utils import lease
from botocore.config import Config

from tests.aws.conftest import REGION, tags

BUCKET = "little-service-locks"
KEY = "locks/staging/orbit"
REPOSITORY = {"name": "orbit-staging", "tags": tags()}


@pytest.fixture
def s3(aws):
    """A client of our own: it is hooked into, and asks again as a module's does."""
    client = boto3.session.Session("AKIAXXXXXXXXXXXXXXXX", "not-checked-by-the-sandbox").client(
        "s3", REGION, endpoint_url=aws.cloud.url, config=Config(retries={"mode": "standard", "total_max_attempts": 5})
    )
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return client


@pytest.fixture
def contend(s3):
    """Makes the lease of one who contends for it."""

    def contend(holder: str = "ann@desk", pid: int | None = None, **more) -> lease.Lease:
        caller = types.SimpleNamespace(client=lambda service: s3)
        return lease.Lease(caller, bucket=BUCKET, key=KEY, holder=holder, pid=pid or os.getpid(), **more)

    return contend


@pytest.fixture
def elsewhere(monkeypatch):
    """From now on, this is another machine."""
    return lambda: monkeypatch.setattr(lease, "machine", lambda: "another machine")


def test_who_holds_it_keeps_it_and_is_told_to_whoever_comes_second(contend):
    assert contend().take()
    assert not contend().take(), "the next module of the same run holds it already"

    with pytest.raises(lease.Held, match=r"changing staging/orbit: ann@desk \(process \d+\) holds the lock since 20.*Run this again"):
        contend("bob@desk").take()


def test_of_two_at_once_one_gets_it(contend, s3):
    both_have_read = threading.Barrier(2, timeout=20)
    s3.meta.events.register("before-sign.s3.PutObject", lambda **_: both_have_read.wait())

    def attempt(holder: str) -> str:
        try:
            contend(holder).take()
        except lease.Held as held:
            return str(held)
        return "took it"

    with concurrent.futures.ThreadPoolExecutor() as pool:
        said = sorted(pool.map(attempt, ["ann@desk", "bob@desk"]))
    assert said[1] == "took it"
    assert "holds the lock" in said[0]


def test_a_holder_that_died_on_this_machine_is_found_out_at_once(contend):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as holder:
        contend(pid=holder.pid).take()
        with pytest.raises(lease.Held):
            contend("bob@desk").take()
        holder.kill()
    assert contend("bob@desk").take()


def test_a_holder_that_died_elsewhere_is_out_when_its_lease_ends(contend, elsewhere, s3):
    contend(pid=1).take()
    elsewhere()
    with pytest.raises(lease.Held):
        contend("bob@desk").take()

    age(s3, seconds=lease.SECONDS + 1)
    assert contend("bob@desk").take()


def test_it_lasts_as_long_as_its_holder_works(contend, s3):
    mine = contend()
    mine.take()
    began, until = content(s3)["since"], content(s3)["until"]
    mine.renew()
    assert content(s3)["until"] == until, "it was taken only now: there is nothing to write"

    age(s3, seconds=lease.SECONDS / 2)
    following = contend()
    assert not following.take()
    assert content(s3)["until"] >= until
    assert content(s3)["since"] == began


def test_given_back_it_is_free_at_once(contend):
    mine = contend()
    mine.take()
    assert contend().release()
    assert not contend().release()
    assert contend("bob@desk").take()
    assert not mine.release(), "it is another's now"


def test_a_run_whose_lease_ended_meanwhile_does_not_take_it_back_from_another(contend, s3):
    mine = contend(seconds=-1)
    mine.take()
    contend("bob@desk").take()
    with pytest.raises(lease.Held, match="bob@desk"):
        mine.renew()


@pytest.mark.parametrize("kind", ["lost", "drop", "throttle", "error"])
def test_answers_that_do_not_arrive_change_nothing(aws, contend, kind):
    for verb, given in (("take", True), ("release", True), ("release", False)):
        aws.faults({"kind": kind, "operation": "PutObject", "times": 1}, {"kind": kind, "operation": "GetObject", "times": 1})
        assert getattr(contend(), verb)() is given


def test_there_is_nothing_to_lock_before_there_is_a_bucket(contend, s3):
    s3.delete_bucket(Bucket=BUCKET)
    contend().take()
    contend("bob@desk").take()


def test_a_module_takes_it_before_its_first_write_and_only_then(aws, s3):
    locked = aws.given(lock={"bucket": BUCKET, "key": KEY, "holder": "ann@desk", "pid": os.getpid()})
    assert locked.run("ecr_repository", check=True, **REPOSITORY).writes == []
    assert locked.run("ecr_repository", **REPOSITORY).writes == ["s3:PutObject", "ecr:CreateRepository"]
    locked.settled("ecr_repository", **REPOSITORY)


def test_a_module_leaves_alone_what_another_run_is_changing(aws, contend):
    contend("bob@desk").take()
    locked = aws.given(lock={"bucket": BUCKET, "key": KEY, "holder": "ann@desk", "pid": os.getpid()})
    assert "bob@desk" in locked.refused("ecr_repository", **REPOSITORY)
    assert aws.client("ecr").describe_repositories()["repositories"] == []


def test_what_another_run_did_before_it_gave_the_lease_back_is_seen(aws, s3, monkeypatch):
    take = lease.Lease.take

    def take_late(self):
        """The other run ends between our first look and our taking the lease."""
        aws.client("ecr").create_repository(
            repositoryName="orbit-staging",
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
            tags=[{"Key": key, "Value": value} for key, value in tags().items()],
        )
        return take(self)

    monkeypatch.setattr(lease.Lease, "take", take_late)
    locked = aws.given(lock={"bucket": BUCKET, "key": KEY, "holder": "ann@desk", "pid": os.getpid()})
    assert locked.run("ecr_repository", **REPOSITORY).steps == []


def test_of_two_modules_in_processes_of_their_own_the_second_says_who_was_first(aws, s3):
    waiting = aws.given(lock={"bucket": BUCKET, "key": KEY, "holder": "ann@desk", "pid": os.getpid()})
    waiting.run("ecr_repository", **REPOSITORY)

    process = aws.start("ecr_repository", name="another", lock={"bucket": BUCKET, "key": KEY, "holder": "bob@desk", "pid": 1})
    said = json.loads(process.communicate(timeout=60)[0])
    assert said["failed"]
    assert "ann@desk" in said["msg"]


def content(s3) -> dict:
    return json.loads(s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read())


def age(s3, seconds: float) -> None:
    """As if the lease had been written so long ago."""
    one = content(s3)
    until = datetime.datetime.fromisoformat(one["until"]) - datetime.timedelta(seconds=seconds)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps({**one, "until": until.isoformat()}).encode())
