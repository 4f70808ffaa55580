"""The entry for ASGI servers, for the day when a view needs one."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.environments.production")

application = get_asgi_application()
