"""Who may do what. A group is given a permission in the admin; a service's account can be in groups as well."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from .models import Counter

_APP = Counter._meta.app_label


class MayCreate(BasePermission):
    """Whoever is in a group that may add counters."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm(f"{_APP}.add_counter")


class MayVisit(BasePermission):
    """The counter's owner, and whoever is in a group that may count on any."""

    def has_object_permission(self, request: Request, view: APIView, obj: Counter) -> bool:
        return obj.owner_id == request.user.pk or request.user.has_perm(f"{_APP}.visit_counter")
