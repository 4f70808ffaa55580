"""What is asked for is written down with the data, and sent when it is due."""

import re
from datetime import timedelta

import pytest
from celery import current_app
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from foundation import workers

from .. import services
from ..models import Entry
from ..tasks import Task
from . import live, work
from .live import entry, relay_at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_queues() -> None:
    live.redis().flushdb()


def test_what_is_rolled_back_was_never_asked_for() -> None:
    with transaction.atomic():
        work.leave_trace.delay("never")
        transaction.set_rollback(True)

    assert not Entry.objects.exists()
    assert workers.depth("default") == 0


def test_a_task_may_wait_for_its_time() -> None:
    work.leave_trace.apply_async(["later"], countdown=60)

    assert workers.depth("default") == 0
    assert services.relay() == 0
    assert relay_at_once() == 1
    assert workers.depth("default") == 1


def test_a_full_queue_is_not_filled_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_ROOM", 3)
    for number in range(5):
        work.leave_trace.apply_async([str(number)], countdown=60, queue="slow")

    assert [relay_at_once() for _ in range(2)] == [3, 0]
    assert workers.depth("slow") == 3


def test_what_is_on_its_way_is_not_sent_again_at_once() -> None:
    work.leave_trace.delay("trace")
    assert services.relay() == 0

    relay_at_once()
    waits = [services.patience(sent) for sent in range(20)]
    assert entry("leave_trace").due_at > timezone.now()
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)


def deliver(task: Task, entry: Entry) -> None:
    """As a worker does it, but here."""
    task.push_request(id=str(entry.pk), called_directly=False)
    try:
        task(*entry.arguments["args"])
    finally:
        task.pop_request()


def test_what_is_delivered_twice_is_done_once() -> None:
    work.leave_trace.delay("once")

    for _ in range(2):
        deliver(work.leave_trace, entry("leave_trace"))

    assert entry("leave_trace").state == Entry.State.DONE
    assert entry("leave_trace").attempts == 1
    assert Entry.objects.filter(name="once").count() == 1


def test_what_fails_is_undone_and_says_why() -> None:
    work.fail_without.delay("/no/such/file")

    for state in (Entry.State.WAITING, Entry.State.FAILED):
        with pytest.raises(FileNotFoundError):
            deliver(work.fail_without, entry("fail_without"))
        assert entry("fail_without").state == state
    assert "/no/such/file" in entry("fail_without").error
    assert not Entry.objects.filter(name="rolled back").exists()


def test_what_was_begun_too_often_is_not_begun_again() -> None:
    work.leave_trace.delay("never")
    Entry.objects.update(attempts=8)

    deliver(work.leave_trace, entry("leave_trace"))

    assert entry("leave_trace").state == Entry.State.FAILED
    assert "lost" in entry("leave_trace").error
    assert not Entry.objects.filter(name="never").exists()


def test_a_task_that_fails_is_tried_later_each_time_and_not_with_all_others_at_once() -> None:
    waits: list[set[float]] = []
    for attempts in range(1, 9):
        waits.append(set())
        for number in range(20):
            task = Entry(name=f"{attempts}.{number}", arguments={}, attempts=attempts)
            work.leave_trace._fail(task, "why")
            assert task.state == (Entry.State.FAILED if attempts == 8 else Entry.State.WAITING)
            waits[-1].add(round((task.due_at - timezone.now()).total_seconds()))

    assert all(max(wait) <= 5 * 2**retries for retries, wait in enumerate(waits))
    assert max(waits[-1]) > 60
    assert len(waits[-1]) > 5


def test_a_task_that_nobody_knows_ends_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    work.leave_trace.delay("trace")
    monkeypatch.delitem(current_app.tasks, work.leave_trace.name)

    for _ in range(9):
        relay_at_once()

    assert entry("leave_trace").state == Entry.State.FAILED


def test_what_was_done_long_ago_is_forgotten_and_what_failed_is_not() -> None:
    for state in Entry.State.values:
        work.leave(state)
        Entry.objects.filter(name=state).update(state=state, due_at=timezone.now() - timedelta(days=8))
    work.leave("new")

    assert services.tidy() == 1
    assert set(Entry.objects.values_list("name", flat=True)) == {"waiting", "failed", "new"}


@pytest.fixture
def poison() -> Entry:
    work.leave_trace.delay("poison")
    Entry.objects.update(state=Entry.State.FAILED, attempts=8, error="FileNotFoundError: <b>")
    return entry("leave_trace")


def test_the_admin_shows_what_failed_with_a_button_that_tries_it_again(admin_client: Client, poison: Entry) -> None:
    work.leave_trace.delay("waits")
    page = admin_client.get("/admin/outbox/entry/").content.decode()
    (address,) = re.findall(r'formaction="([^"]+)"', page)
    details = admin_client.get(f"/admin/outbox/entry/{poison.pk}/change/").content.decode()
    assert "FileNotFoundError: &lt;b&gt;" in details

    assert admin_client.get(address).status_code == 405
    answer = admin_client.post(address, follow=True)

    assert "1 will be tried again within seconds." in answer.content.decode()
    assert entry_state(poison) == (Entry.State.WAITING, 0)
    assert LogEntry.objects.get().object_id == str(poison.pk)
    assert services.relay() == 1


def test_many_are_tried_again_at_once(admin_client: Client, poison: Entry) -> None:
    admin_client.post("/admin/outbox/entry/", {"action": "try_again", "_selected_action": [poison.pk]})

    assert entry_state(poison) == (Entry.State.WAITING, 0)


def test_entries_are_tried_again_by_whoever_may_change_them_and_edited_by_nobody(client: Client, poison: Entry) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="view_entry"))
    client.force_login(staff)
    address = f"/admin/outbox/entry/{poison.pk}/"
    assert client.post(f"{address}again/").status_code == 403

    staff.user_permissions.add(Permission.objects.get(codename="change_entry"))
    assert client.post(f"{address}change/", {"state": "done"}).status_code == 403
    assert client.post(f"{address}again/").status_code == 302
    assert entry_state(poison) == (Entry.State.WAITING, 0)


def entry_state(entry: Entry) -> tuple[str, int]:
    entry.refresh_from_db()
    return entry.state, entry.attempts
