"""The API's description, and what browsers are told."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.test import Client

COMMITTED = Path(__file__).parents[3] / "openapi.json"


def test_the_committed_schema_is_that_of_the_code() -> None:
    output = StringIO()
    call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, stdout=output)

    generated = json.loads(output.getvalue())
    assert generated["openapi"].startswith("3.1")
    assert generated == json.loads(COMMITTED.read_text()), "The API has changed. If that is intended: make schema"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/api/docs/", "/api/schema/"])
def test_is_open_on_a_laptop_and_behind_login_elsewhere(
    client: Client, admin_client: Client, settings: LazySettings, address: str
) -> None:
    closed = client.get(address)
    assert closed.status_code in {302, 401}
    assert admin_client.get(address).status_code == 200

    settings.API_DOCUMENTATION_OPEN = True
    assert client.get(address).status_code == 200


@pytest.mark.django_db
def test_whoever_wants_to_read_it_is_sent_to_sign_in(client: Client) -> None:
    assert client.get("/api/docs/").headers["Location"] == "/login/?next=/api/docs/"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/login/", "/nowhere/", "/admin/", "/api/docs/", "/api/v1/counters/"])
def test_pages_bring_their_styles_and_scripts_as_files_of_our_own(admin_client: Client, address: str) -> None:
    answer = admin_client.get(address, follow=True)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = answer.content.decode()
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on[a-z]+=", page)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
