"""Errors under /api/ have one shape, wherever they come from."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api import Nobody


class Line(serializers.Serializer[Any]):
    amount = serializers.IntegerField()


class Bill(serializers.Serializer[Any]):
    lines = Line(many=True)


class Bills(APIView):
    permission_classes = []

    def post(self, request: Request) -> Response:
        Bill(data=request.data).is_valid(raise_exception=True)
        return Response(status=201)


class Forgotten(APIView):
    """A view whose author did not think of permissions."""

    def get(self, request: Request) -> Response:
        return Response("secret")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("mysql://app:secret@database")  # pragma: allowlist secret


urlpatterns = [
    path("api/broken/", broken),
    path("api/bills/", Bills.as_view()),
    path("api/forgotten/", Forgotten.as_view()),
    path("broken/", broken),
    path("", include("config.urls")),
]


@pytest.fixture(params=[True, False], ids=["debug", "production"])
def debug(request: pytest.FixtureRequest, settings: LazySettings) -> None:
    settings.DEBUG = request.param
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize(
    ("address", "status"), [("/api/", 404), ("/api/nowhere", 404), ("/api/v2/counters/", 404), ("/api/broken/", 500)]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_error_is_a_problem(browser: Client, address: str, status: int, method: str) -> None:
    answer = browser.generic(method, address, headers={"x-request-id": "order-7"})

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() | {"detail": "", "title": ""} == {
        "type": "about:blank",
        "title": "",
        "status": status,
        "detail": "",
        "request_id": "order-7",
    }
    assert "secret" not in answer.content.decode()


@pytest.mark.usefixtures("debug")
def test_what_is_wrong_is_said_field_by_field(browser: Client) -> None:
    answer = browser.post("/api/bills/", {"lines": [{"amount": 1}, {"amount": "x"}]}, "application/json")

    assert answer.status_code == 400
    wrong = {"field": "lines.1.amount", "detail": "A valid integer is required.", "code": "invalid"}
    assert answer.json()["errors"] == [wrong]


@pytest.mark.usefixtures("debug")
@pytest.mark.django_db
def test_a_view_that_names_no_permission_answers_nobody(admin_client: Client) -> None:
    assert Forgotten.permission_classes == [Nobody]
    assert admin_client.get("/api/forgotten/").status_code == 403


@pytest.mark.django_db
def test_a_missing_row_does_not_say_what_the_models_are_called(admin_client: Client) -> None:
    assert "Counter" not in admin_client.get("/api/v1/counters/1/").content.decode()


def test_other_addresses_keep_their_pages(browser: Client, settings: LazySettings) -> None:
    settings.ROOT_URLCONF = __name__

    answer = browser.get("/broken/")

    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()


@pytest.mark.parametrize("given", ["order-7", "a" * 64, "A.b_c-9"])
def test_an_id_that_is_given_is_kept(client: Client, given: str) -> None:
    assert client.get("/nowhere", headers={"x-request-id": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "a\nb", "é", '"'])
def test_another_id_is_made(client: Client, given: str) -> None:
    made = client.get("/nowhere", headers={"x-request-id": given}).headers["X-Request-ID"]

    assert len(made) == 32
    assert made != client.get("/nowhere").headers["X-Request-ID"]
