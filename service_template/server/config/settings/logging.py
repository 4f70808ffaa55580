"""Logs: one line per event, to the console. Whoever runs the containers collects them."""

from foundation import environment

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "filters": {
        "without_health": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: " /health/" not in record.getMessage(),
        },
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "root": {"handlers": ["console"], "level": environment.text("LOG_LEVEL", "INFO")},
    "loggers": {
        # Those that bring handlers of their own: without them, every line goes one way.
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": [], "filters": ["without_health"], "propagate": True},
        "gunicorn.access": {"handlers": [], "filters": ["without_health"], "propagate": True},
        "gunicorn.error": {"handlers": [], "propagate": True},
    },
}
