"""What is measured: for Prometheus at ``/metrics``, and once a minute in the log for CloudWatch.

CloudWatch makes metrics of log lines in its embedded metric format; alarms read those, and nothing need be installed for it:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping

import prometheus_client
from django.conf import settings
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

_SECONDS = prometheus_client.Histogram(
    "http_request_duration_seconds",
    "Requests, and how long they took.",
    ["method", "route", "status"],
    buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 10),
)
_since_last_minute = Counter(Requests=0, ServerErrors=0, RequestMilliseconds=0)
_lock = threading.Lock()


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Measure one request."""
    known = method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
    _SECONDS.labels(known, route, status).observe(seconds)
    with _lock:
        _since_last_minute.update(Requests=1, ServerErrors=status >= 500, RequestMilliseconds=round(seconds * 1000))


def exposition(*more: Collector) -> bytes:
    """Everything, as Prometheus reads it: requests, and what ``more`` there is to say."""
    registry = prometheus_client.CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        # gunicorn's processes share their numbers through files: https://prometheus.github.io/client_python/multiprocess/
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the library's
    else:
        registry.register(_SECONDS)
    for collector in more:
        registry.register(collector)
    return prometheus_client.generate_latest(registry)


def write(numbers: Mapping[str, float]) -> None:
    """Log numbers for CloudWatch."""
    directive = {
        "Namespace": "LittleService",
        # Staging and production of one service may share an account.
        "Dimensions": [["Service", "Environment"]],
        "Metrics": [{"Name": name} for name in numbers],
    }
    aws = {"Timestamp": round(time.time() * 1000), "CloudWatchMetrics": [directive]}
    place = {"Service": settings.SERVICE_NAME, "Environment": settings.SERVICE_ENVIRONMENT}
    logger.info(json.dumps({"_aws": aws} | place | dict(numbers)))


def write_requests() -> None:
    """Log what this process has answered since the last time. CloudWatch adds up the processes."""
    with _lock:
        numbers = dict(_since_last_minute)
        _since_last_minute.subtract(numbers)
    write(numbers)


def every_minute() -> None:
    """Write this process's requests from a thread of its own, as long as the process lives."""

    def run() -> None:
        while True:
            time.sleep(60)
            write_requests()

    threading.Thread(target=run, name="metrics", daemon=True).start()
