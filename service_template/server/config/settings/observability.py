"""What whoever runs the service sees: logs, metrics, version, errors.

A log is one line per event, to the console: JSON, or for people (LOG_FORMAT=text). Whoever runs the containers collects them.
"""

from typing import Any

import structlog
from structlog.typing import Processor

from config import env
from foundation.tracing import add_context

# The same for lines by structlog.get_logger() and by logging.getLogger(), Django's and everybody's.
_common: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(["route", "status", "milliseconds"]),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    add_context,
]

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_common,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def _formatter(*last: Processor) -> dict[str, object]:
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _common,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    }


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": _formatter(structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)),
        "text": _formatter(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)),
        "bare": {"format": "%(message)s"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": env.text("LOG_FORMAT", "json")},
        "bare": {"class": "logging.StreamHandler", "formatter": "bare", "stream": "ext://sys.stdout"},
    },
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        # Those that bring handlers of their own: without them, every line goes one way.
        "django": {"handlers": [], "level": "INFO"},
        # Requests are logged by foundation.tracing, with what they are about.
        "django.server": {"handlers": [], "propagate": False},
        "gunicorn.error": {"handlers": [], "propagate": True},
        # What is done every few seconds is no event. A task of the outbox has its one line from there, one that fails from Celery.
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # Measurements for CloudWatch are JSON already.
        "foundation.metrics": {"handlers": ["bare"], "propagate": False},
    },
}

# Written into the image when it is built (Dockerfile).
SERVICE_COMMIT = env.text("SERVICE_COMMIT", "development")
SERVICE_BUILT_AT = env.text("SERVICE_BUILT_AT", "development")

# Without it, /metrics is not there.
METRICS_TOKEN = env.secret("METRICS_TOKEN") if env.text("METRICS_TOKEN", "") else ""

# Errors go to Sentry when its address is given; nobody's data with them.
if SENTRY_DSN := env.text("SENTRY_DSN", ""):
    import sentry_sdk

    sentry_sdk.init(
        dsn=SENTRY_DSN,
        release=SERVICE_COMMIT,
        environment=env.text("SENTRY_ENVIRONMENT", "production"),
        send_default_pii=False,
    )
