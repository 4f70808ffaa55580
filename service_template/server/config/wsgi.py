"""The entry for WSGI servers (gunicorn)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.environments.production")

application = get_wsgi_application()
