"""The API, our own and those of other services. https://www.django-rest-framework.org/api-guide/settings/"""

from config import env
from config.settings.application import SERVICE_DESCRIPTION, SERVICE_TITLE

# In bytes. Larger bodies are refused unread.
API_BODY_LIMIT = 64 * 1024
# /api/schema/ and /api/docs/ without signing in.
API_DOCUMENTATION_OPEN = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # A view that names no permission answers nobody.
    "DEFAULT_PERMISSION_CLASSES": ["foundation.api.Nobody"],
    "DEFAULT_PARSER_CLASSES": ["foundation.api.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "foundation.api.Pages",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.OrderingFilter",
    ],
    # Per process of gunicorn, in its memory: a guard against a client run wild, which needs no Redis to be there.
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.text("API_RATE", "600/min")},
    # How many proxies stand before the service, each of which adds to X-Forwarded-For.
    "NUM_PROXIES": env.number("DJANGO_PROXIES", 0),
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "foundation.problems.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "TITLE": SERVICE_TITLE,
    "DESCRIPTION": SERVICE_DESCRIPTION,
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["foundation.api.MayReadDocumentation"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "foundation.documentation.add_problems",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False},
}


def sibling(name: str) -> dict[str, str]:
    """Where another service is, and our token for it."""
    prefix = f"SIBLING_{name.upper().replace('-', '_')}"
    return {
        "url": env.text(f"{prefix}_URL", f"http://{name}:8000"),
        "token": env.secret(f"{prefix}_TOKEN"),
    }


# Those that this one calls: SIBLINGS=ledger,mail and for each its SIBLING_LEDGER_TOKEN and, unless it is on this machine
# under its own name, its SIBLING_LEDGER_URL.
SIBLINGS = {name: sibling(name) for name in env.words("SIBLINGS", "")}
