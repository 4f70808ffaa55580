"""Staging: as production, except that it may be without HTTPS.

Neither starts without its secrets and its hosts: what is missing is said by the variable's name.
"""

from config.environments.common import *
from foundation import environment

ALLOWED_HOSTS = environment.words("DJANGO_ALLOWED_HOSTS")
