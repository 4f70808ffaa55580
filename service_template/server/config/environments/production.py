"""Production: HTTPS only."""

import os

from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_HTTPS", "true")

from config.environments.staging import *

if not HTTPS:
    raise ImproperlyConfigured(
        "DJANGO_HTTPS is false, and production is never without HTTPS. Leave the variable out, or use config.environments.staging."
    )

SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
