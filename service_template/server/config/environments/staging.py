"""Staging: as production, except that it may be without HTTPS.

Neither starts without its secrets and its hosts: what is missing is said by the variable's name.
"""

from config import env
from config.environments.common import *

ALLOWED_HOSTS = env.words("DJANGO_ALLOWED_HOSTS")

# Where HTTPS is declared all is as in production, but browsers forget it within the hour.
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 3600 if HTTPS else 0
if HTTPS:
    # The load balancer ends TLS and says so in this header.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
