"""Coming in: people by session, services by token."""

from datetime import timedelta
from io import StringIO

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from accounts.models import User
from config.settings import security

pytestmark = pytest.mark.django_db
PASSWORD = "four-words-in-a-row"  # noqa: S105 # pragma: allowlist secret


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna", password=PASSWORD)


def login(client: Client, password: str) -> int:
    return client.post("/login/", {"username": "anna", "password": password}).status_code


def test_whoever_signs_in_is_known_until_they_sign_out(client: Client, anna: User) -> None:
    assert "Sign in" in client.get("/").content.decode()
    assert login(client, PASSWORD) == 302
    assert "Sign out anna" in client.get("/").content.decode()
    client.post("/logout/")
    assert "Sign in" in client.get("/").content.decode()


def test_passwords_are_kept_as_argon2_hashes(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = security.PASSWORD_HASHERS

    assert User.objects.create_user("bert", password=PASSWORD).password.startswith("argon2$argon2id$")


def test_a_name_is_locked_after_five_failures_and_opens_by_itself(client: Client, anna: User) -> None:
    assert [login(client, "wrong") for _ in range(5)] == [200, 200, 200, 200, 429]
    # With the right password and from another address, too.
    answer = client.post("/login/", {"username": "anna", "password": PASSWORD}, REMOTE_ADDR="10.9.8.7")
    assert answer.status_code == 429
    assert "Locked for a while" in answer.content.decode()

    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert login(client, PASSWORD) == 302


def test_logins_and_failures_are_written_down(client: Client, anna: User) -> None:
    login(client, "wrong")
    login(client, PASSWORD)

    assert AccessFailureLog.objects.get().username == "anna"
    assert AccessLog.objects.get().username == "anna"


def test_changes_in_the_admin_are_written_down_and_stay(admin_client: Client, anna: User) -> None:
    admin_client.post("/admin/auth/group/add/", {"name": "keepers"})

    entry = LogEntry.objects.get()
    assert (entry.object_repr, entry.is_addition()) == ("keepers", True)
    assert "keepers" in admin_client.get("/admin/admin/logentry/").content.decode()
    assert admin_client.get("/admin/admin/logentry/add/").status_code == 403
    assert admin_client.post(f"/admin/admin/logentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.post(f"/admin/admin/logentry/{entry.pk}/change/", {"object_repr": "x"}).status_code == 403


def test_the_admin_shows_each_of_its_pages(admin_client: Client, anna: User) -> None:
    call_command("token", "ledger", stdout=StringIO())
    index = admin_client.get("/admin/")

    pages = [model["admin_url"] for app in index.context["app_list"] for model in app["models"]]
    assert len(pages) >= 6
    for page in pages:
        assert admin_client.get(page, {"q": "a"}).status_code == 200, page
    token = AuthToken.objects.get()
    assert admin_client.get(f"/admin/knox/authtoken/{token.pk}/change/").status_code == 200
    assert admin_client.get("/admin/knox/authtoken/add/").status_code == 403


def test_the_admin_is_closed_to_others(client: Client, anna: User) -> None:
    client.force_login(anna)

    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")


def token(*arguments: str) -> str:
    output = StringIO()
    call_command("token", *arguments, stdout=output)
    return output.getvalue().strip()


def status(token: str) -> int:
    return Client().get("/api/v1/counters/", headers={"authorization": f"Bearer {token}"}).status_code


def test_a_token_opens_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    made = token("ledger", "--days", "7")
    assert status(made) == 200

    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert status(made) == 401


def test_a_token_ends_with_its_account_and_when_it_is_revoked() -> None:
    first, second = token("ledger"), token("ledger")
    AuthToken.objects.get(token_key=first[:15]).delete()
    assert [status(first), status(second)] == [401, 200]

    User.objects.update(is_active=False)
    assert status(second) == 401


def test_a_token_is_kept_as_a_hash_and_always_expires() -> None:
    made = token("ledger")

    kept = AuthToken.objects.get()
    assert made not in kept.digest
    assert timedelta(days=89) < kept.expiry - timezone.now() <= timedelta(days=90)
    assert not User.objects.get().has_usable_password()


@pytest.mark.parametrize("days", ["0", "366", "x"])
def test_a_token_lives_a_year_at_most(days: str) -> None:
    with pytest.raises(CommandError):
        token("ledger", "--days", days)


def test_a_service_is_given_what_it_may_do() -> None:
    token("ledger", "--may", "add_counter", "visit_counter")

    permissions = User.objects.get().user_permissions.values_list("codename", flat=True)
    assert set(permissions) == {"add_counter", "visit_counter"}


def test_a_permission_that_is_none_is_named_and_no_token_made() -> None:
    with pytest.raises(CommandError, match="no permission of this name: fly"):
        token("ledger", "--may", "add_counter", "fly")

    assert not AuthToken.objects.exists()
