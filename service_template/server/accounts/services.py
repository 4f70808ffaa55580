"""What is done with accounts."""

from collections.abc import Collection
from datetime import timedelta

from django.contrib.auth.models import Permission
from knox.models import get_token_model

from .models import User


class UnknownPermissionError(Exception):
    """There is no permission of this name."""


def issue_token(name: str, *, days: int, may: Collection[str] = ()) -> str:
    """Make a token for the service ``name``, and its account if there is none. It can be seen this once only.

    :param may: permissions that the account is given, by their code names.
    """
    permissions = Permission.objects.filter(codename__in=may)
    unknown = set(may) - {permission.codename for permission in permissions}
    if unknown:
        raise UnknownPermissionError(", ".join(sorted(unknown)))
    user, made = User.objects.get_or_create(username=name)
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    user.user_permissions.add(*permissions)
    _, token = get_token_model().objects.create(user=user, expiry=timedelta(days=days))
    return str(token)
