"""Whatever is sent: an answer of the 4xx kind, in the one shape, and nothing of the inside."""

import base64
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User

from ..models import Counter

pytestmark = pytest.mark.django_db
COUNTERS = "/api/v1/counters/"


@pytest.fixture(autouse=True)
def admin(client: Client) -> None:
    """Somebody who may do everything, so that nothing is refused too early."""
    client.raise_request_exception = False
    client.force_login(User.objects.create_superuser("root"))


def assert_problem(answer: Any, status: int) -> None:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert {"type", "title", "detail"} <= problem.keys()
    assert "Traceback" not in answer.content.decode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'"name"', 400),
        (b'{"name": null}', 400),
        (b'{"name": 1}', 400),
        (b'{"name": 1.5e400}', 400),
        (b'{"name": true}', 400),
        (b'{"name": {"a": 1}}', 400),
        (b'{"name": ["a"]}', 400),
        (b'{"name": ""}', 400),
        (b'{"name": "%s"}' % (b"n" * 101), 400),
        (rb'{"name": "a\u0000b"}', 400),
        (rb'{"name": "\ud800"}', 400),
        (b'{"name": NaN}', 400),
        (b'{"name": "\xff\xfe"}', 400),
        ('{"name": "a"}'.encode("utf-16"), 400),
        (b"[" * 60_000, 400),
        (b'{"name": "%s"}' % (b"n" * 70_000), 413),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(client: Client, body: bytes, status: int) -> None:
    assert_problem(client.post(COUNTERS, body, "application/json"), status)
    assert not Counter.objects.exists()


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json; charset=hex",
        "application/json; charset=rot13",
        "application/json; charset=utf-16",
    ],
)
def test_only_json_is_read(client: Client, kind: str) -> None:
    assert_problem(client.generic("POST", COUNTERS, b'{"name": "a"}', kind), 415)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("99999999999999999999999999/", 404),
        ("-1/", 404),
        ("1", 404),
        ("1' OR '1'='1/", 404),
        ("%00/", 404),
        ("%ff/", 404),
        ("%7B%7B7*7%7D%7D/", 404),
        ("?cursor=x", 404),
        ("?cursor=" + base64.b64encode(b"p=many").decode(), 404),
        ("?cursor=" + base64.b64encode(b"p=" + b"9" * 50).decode(), 200),
        ("?cursor=" + base64.b64encode(b"o=99999999999999999999").decode(), 404),
        ("?value_min=many", 400),
        ("?value_min=" + "9" * 30, 400),
        ("?value_min=1e400", 400),
        ("?name=%00", 400),
        ("?name=" + "n" * 200, 400),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(client: Client, path: str, status: int) -> None:
    answer = client.get(COUNTERS + path)

    if status == 200:
        assert answer.status_code == 200
    else:
        assert_problem(answer, status)


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE counters; --", "{{ 7*7 }}{% debug %}", "<script>alert(1)</script>", "%s%n"]
)
def test_characters_of_other_languages_are_only_characters(client: Client, name: str) -> None:
    made = client.post(COUNTERS, {"name": name}, "application/json")

    assert made.json()["name"] == name
    found = client.get(COUNTERS, {"name": name}).json()["results"]
    assert [counter["name"] for counter in found] == [name]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_a_method_that_is_none_is_refused(client: Client, method: str) -> None:
    assert_problem(client.generic(method, COUNTERS), 405)


@pytest.mark.parametrize("token", ["x", "x y", "", "\xff" * 20, "0" * 5000])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    assert_problem(Client().get(COUNTERS, headers={"authorization": f"Bearer {token}"}), 401)


@pytest.mark.parametrize("length", ["many", "-1", "1e3", "²"])
def test_a_length_that_is_none_is_refused(client: Client, length: str) -> None:
    assert_problem(client.post(COUNTERS, {"name": "a"}, "application/json", CONTENT_LENGTH=length), 400)


def test_an_unknown_host_is_refused(client: Client) -> None:
    assert_problem(client.get(COUNTERS, headers={"host": "evil.example"}), 400)


def test_an_answer_in_another_kind_than_json_is_refused(client: Client) -> None:
    assert_problem(client.get(COUNTERS, headers={"accept": "application/xml"}), 406)


def test_the_page_of_an_unknown_address_is_ours(client: Client) -> None:
    answer: Any = client.get("/nowhere/{{7*7}}")

    assert isinstance(answer, HttpResponse)
    assert answer.status_code == 404
    assert "Nothing is here" in answer.content.decode()
