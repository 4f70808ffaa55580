"""Which port a service gets."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import ports
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def listening():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_the_first_service_gets_88_and_later_ones_the_first_free_from_8001(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: port != 8002)
    assert ports.choose({}) == 88
    assert ports.choose({88: "a"}) == 8001
    assert ports.choose({88: "a", 8001: "b"}) == 8003


def test_where_88_is_another_programs_the_first_service_is_at_8001(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: port != 88)
    assert ports.choose({}) == 8001


@given(st.sets(st.integers(8001, 8050) | st.sampled_from(sorted(ports.BLOCKED_BY_BROWSERS))))
def test_no_port_is_given_twice_or_blocked_by_browsers(taken):
    port = ports.choose({88: "first", **dict.fromkeys(taken, "other")})
    assert port not in taken
    assert port not in ports.BLOCKED_BY_BROWSERS


def test_a_port_on_which_something_listens_is_not_free_and_its_holder_is_named(listening):
    assert not ports.is_free(listening)
    assert "python" in ports.holder(listening) or "pytest" in ports.holder(listening)


@pytest.mark.parametrize(
    ("asked", "words"),
    [("http", "not a number"), ("0", "between 1"), ("65536", "between 1"), ("6000", "browsers"), ("8001", "the service a")],
)
def test_a_port_that_cannot_be_is_refused(asked, words):
    with pytest.raises(ports.PortRefused, match=words):
        ports.requested(asked, {8001: "a"})


def test_a_port_that_can_be_is_taken():
    assert ports.requested("8002", {8001: "a"}) == 8002
