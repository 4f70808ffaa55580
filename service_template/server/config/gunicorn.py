"""How gunicorn serves the service. The number of processes comes from WEB_CONCURRENCY, which gunicorn reads itself."""

import os
from typing import Any

from config.settings.observability import LOGGING

# gunicorn's own lines look like all others.
logconfig_dict = LOGGING
bind = "0.0.0.0:8000"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 4
timeout = 30
graceful_timeout = 30
# Longer than a load balancer's own 60 seconds, lest it sends a request into a connection that is just being closed:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#connection-idle-timeout
keepalive = 75
# In memory: on a disk that is slow for a moment, workers would be taken for dead.
# https://docs.gunicorn.org/en/stable/faq.html#how-do-i-avoid-gunicorn-excessively-blocking-in-os-fchmod
worker_tmp_dir = "/dev/shm"  # noqa: S108 the container's own
# The root file system is read-only, and signals do what is needed.
control_socket_disable = True
# Requests are logged by foundation.tracing.
accesslog = None


def post_worker_init(_: object) -> None:
    """Measurements are written by each process for itself."""
    # Not before: the module needs the settings.
    from foundation import metrics

    metrics.every_minute()


def when_ready(server: Any) -> None:
    """Say what is not as it will be in production."""
    from django.conf import settings  # here, since gunicorn reads this file before the service's own code can be found

    if not settings.HTTPS:
        server.log.warning("DJANGO_HTTPS is not set: cookies travel over plain HTTP, and so do passwords.")
