"""What every template knows."""

from django.conf import settings
from django.http import HttpRequest


def service(_: HttpRequest) -> dict[str, str]:
    """The service's name, title and description."""
    return {
        "service_name": settings.SERVICE_NAME,
        "service_title": settings.SERVICE_TITLE,
        "service_description": settings.SERVICE_DESCRIPTION,
    }
