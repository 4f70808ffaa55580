"""The API: who may do what, and what comes out."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.throttling import UserRateThrottle

from accounts.models import User
from accounts.services import issue_token

from .. import selectors, services
from ..models import Counter

pytestmark = pytest.mark.django_db
COUNTERS = "/api/v1/counters/"
WHO = ["anonymous", "signed in", "group", "owner", "service", "service in group"]


def each(*statuses: int) -> pytest.MarkDecorator:
    """A row of the matrix: what each of WHO is answered."""
    return pytest.mark.parametrize(("who", "status"), list(zip(WHO, statuses, strict=True)))


@pytest.fixture
def olga() -> User:
    return User.objects.create_user("olga")


@pytest.fixture
def counter(olga: User) -> Counter:
    return services.create_counter("apples", owner=olga)


@pytest.fixture
def keepers() -> Group:
    group = Group.objects.create(name="keepers")
    group.permissions.set(Permission.objects.filter(codename__in=["add_counter", "visit_counter"]))
    return group


@pytest.fixture
def caller(who: str, olga: User, keepers: Group) -> Client:
    """One of WHO."""
    client = Client(headers={"authorization": f"Bearer {issue_token('ledger', days=1)}"} if "service" in who else None)
    if who == "owner":
        client.force_login(olga)
    elif who in {"signed in", "group"}:
        client.force_login(User.objects.create_user("anna"))
    if "group" in who:
        keepers.user_set.add(User.objects.exclude(username="olga").get())
    return client


@pytest.fixture
def member(keepers: Group, client: Client) -> Client:
    """A browser of somebody who may do all that the group may."""
    user = User.objects.create_user("mary")
    keepers.user_set.add(user)
    client.force_login(user)
    return client


@each(401, 200, 200, 200, 200, 200)
def test_who_may_list(caller: Client, status: int) -> None:
    assert caller.get(COUNTERS).status_code == status


@each(401, 200, 200, 200, 200, 200)
def test_who_may_retrieve(caller: Client, counter: Counter, status: int) -> None:
    assert caller.get(f"{COUNTERS}{counter.pk}/").status_code == status


@each(401, 403, 201, 403, 403, 201)
def test_who_may_create(caller: Client, status: int) -> None:
    assert caller.post(COUNTERS, {"name": "pears"}, "application/json").status_code == status
    assert Counter.objects.filter(name="pears").exists() is (status == 201)


@each(401, 403, 201, 201, 403, 201)
def test_who_may_count_a_visit(caller: Client, counter: Counter, status: int) -> None:
    assert caller.post(f"{COUNTERS}{counter.pk}/visits/").status_code == status
    assert selectors.get_counter("apples").value == (1 if status == 201 else 0)


def test_a_created_counter_belongs_to_who_made_it_and_is_where_it_says(member: Client) -> None:
    answer = member.post(COUNTERS, {"name": "Größe 🚀", "value": 7}, "application/json")

    assert answer.json() | {"id": 0} == {"id": 0, "name": "Größe 🚀", "value": 0, "owner": "mary"}
    assert member.get(answer.headers["Location"]).json() == answer.json()


def test_a_name_is_given_once(member: Client, counter: Counter) -> None:
    answer = member.post(COUNTERS, {"name": "apples"}, "application/json")

    assert answer.status_code == 409
    assert answer.json()["detail"] == "There is a counter of this name."


def test_a_visit_returns_its_own_number(member: Client, counter: Counter) -> None:
    visits = [member.post(f"{COUNTERS}{counter.pk}/visits/").json()["value"] for _ in range(3)]

    assert visits == [1, 2, 3]


def test_pages_follow_one_another_and_show_each_counter_once(member: Client, olga: User) -> None:
    names = [services.create_counter(f"counter {number}", owner=olga).name for number in range(5)]

    seen, address, pages = [], f"{COUNTERS}?page_size=2&ordering=-name", 0
    while address:
        page = member.get(address).json()
        seen += [counter["name"] for counter in page["results"]]
        address, pages = page["next"], pages + 1
    assert seen == sorted(names, reverse=True)
    assert pages == 3


@pytest.mark.parametrize("asked", ["100000", "0", "-1", "x"])
def test_no_page_is_larger_than_it_may_be(member: Client, asked: str) -> None:
    Counter.objects.bulk_create(Counter(name=f"counter {number}") for number in range(201))

    assert len(member.get(f"{COUNTERS}?page_size={asked}").json()["results"]) == (200 if asked == "100000" else 50)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=PEAR", ["pears"]),
        ("owner=olga", ["apples"]),
        ("value_min=1", ["pears"]),
        ("ordering=-name", ["pears", "apples"]),
    ],
)
def test_counters_are_filtered_and_ordered(member: Client, counter: Counter, query: str, names: list[str]) -> None:
    services.count_visit("pears")

    assert [found["name"] for found in member.get(f"{COUNTERS}?{query}").json()["results"]] == names


def test_a_list_takes_the_same_number_of_queries_however_long(
    member: Client, olga: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        services.create_counter(f"counter {number}", owner=olga)

    with django_assert_num_queries(3):  # session, user, counters with their owners
        member.get(COUNTERS)


def test_a_client_run_wild_is_slowed_down(member: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UserRateThrottle, "get_rate", lambda _: "2/min")

    answers = [member.get(COUNTERS) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].headers["Content-Type"] == "application/problem+json"


def test_a_session_writes_only_with_its_csrf_token(olga: User, counter: Counter) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(olga)

    assert client.post(f"{COUNTERS}{counter.pk}/visits/").status_code == 403
    assert selectors.get_counter("apples").value == 0
