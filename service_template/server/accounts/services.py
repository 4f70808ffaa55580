"""What is done with accounts."""

from datetime import timedelta

from django.contrib.auth import get_user_model
from knox.models import get_token_model


def issue_token(name: str, *, days: int) -> str:
    """Make a token for the service ``name``, and its account if there is none. It can be seen this once only."""
    user, made = get_user_model().objects.get_or_create(username=name)
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    _, token = get_token_model().objects.create(user=user, expiry=timedelta(days=days))
    return str(token)
