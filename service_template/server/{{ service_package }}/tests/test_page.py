"""The page."""

import re
from contextlib import closing

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def shown(client: Client, **headers: str) -> int:
    """The number on the page."""
    answer = client.get("/", headers=headers)
    assert answer.status_code == 200
    found = re.search(r'<strong id="count">(\d+)</strong>', answer.content.decode())
    assert found
    return int(found[1])


def test_each_visit_shows_the_next_number(client: Client) -> None:
    assert [shown(client) for _ in range(3)] == [1, 2, 3]


def test_says_hello(client: Client) -> None:
    assert "Hello, World" in client.get("/").content.decode()


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"])
def test_a_page_fetched_ahead_is_shown_and_not_counted(client: Client, purpose: str) -> None:
    assert shown(client) == 1
    assert shown(client, sec_purpose=purpose) == 1
    assert shown(client) == 2


def test_head_is_not_counted(client: Client) -> None:
    assert client.head("/").status_code == 200
    assert shown(client) == 1


def test_cannot_be_posted_to(client: Client) -> None:
    assert client.post("/").status_code == 405


def test_is_never_cached(client: Client) -> None:
    assert "no-store" in client.get("/").headers["Cache-Control"]


def test_its_style_is_served(client: Client) -> None:
    address = re.search(r'<link rel="stylesheet" href="([^"]+)">', client.get("/").content.decode())
    assert address
    with closing(client.get(address[1])) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/css")
