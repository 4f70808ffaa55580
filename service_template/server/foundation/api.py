"""What every view of the API gets by ``settings/api.py``."""

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Model
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, ParseError
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:
    # It imports this module itself, by the settings.
    from rest_framework.views import APIView


class ConflictError(APIException):
    """409: the request is well-formed, and what is there already speaks against it."""

    status_code = 409
    default_detail = "It is there already."
    default_code = "conflict"


class Nobody(BasePermission):
    """The permission of a view that names none."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return False


class MayReadDocumentation(BasePermission):
    """Everybody on a laptop, and whoever has signed in elsewhere."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return bool(settings.API_DOCUMENTATION_OPEN or request.user.is_authenticated)


class StrictJSONParser(JSONParser):
    """JSON, and an error of the client's where Python's parser runs out of stack."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None


class TextField(serializers.CharField):
    """Text, where Django REST Framework would take a number for one as well."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ModelSerializer[M: Model](serializers.ModelSerializer[M]):
    """Takes each type for what it is."""

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.CharField: TextField,
        models.TextField: TextField,
    }


class Pages(CursorPagination):
    """Pages by cursor: as quick at the end as at the beginning, and nothing is shown twice when rows come in."""

    ordering = "id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: "APIView | None" = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (TypeError, ValueError):
            # A cursor that somebody wrote by hand, with a position that is none.
            raise NotFound(self.invalid_cursor_message) from None

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor and cursor.offset >= self.offset_cutoff:
            raise NotFound(self.invalid_cursor_message)
        return cursor


def client_address(request: HttpRequest) -> str:
    """Whose request it is, behind as many proxies as ``DJANGO_PROXIES`` says."""
    # It reads headers only, which both kinds of requests have.
    return BaseThrottle().get_ident(request)  # type: ignore[arg-type]
