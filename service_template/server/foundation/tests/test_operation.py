"""Metrics for those who may, the version for everybody, errors to Sentry when asked for."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.conf import LazySettings
from django.test import Client

from foundation import metrics

TOKEN = "0123456789abcdef" * 4
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}])
def test_metrics_are_not_there_without_the_token(
    client: Client, settings: LazySettings, headers: dict[str, str]
) -> None:
    for token in (TOKEN, ""):
        settings.METRICS_TOKEN = token
        assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.django_db
def test_requests_are_measured_by_their_route(client: Client, settings: LazySettings) -> None:
    settings.METRICS_TOKEN = TOKEN
    client.get("/version")
    client.get("/no/such/path")
    client.get("/health/live")

    text = client.get("/metrics", headers=BEARER).content.decode()

    assert 'http_request_duration_seconds_count{method="GET",route="version",status="200"}' in text
    assert 'route="none",status="404"' in text
    assert "no/such/path" not in text
    assert "health" not in text


def test_the_processes_of_one_gunicorn_are_added_up(tmp_path: Path) -> None:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    code = "import django; django.setup(); from foundation import metrics; metrics.count_request('GET', 'page', 200, 1)"
    read = "; import prometheus_client as p; from prometheus_client.multiprocess import MultiProcessCollector as M"
    read += "; r = p.CollectorRegistry(); M(r); print(p.generate_latest(r).decode())"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    result = subprocess.run([sys.executable, "-c", code + read], env=environment, check=True, capture_output=True)

    assert b'_count{method="GET",route="page",status="200"} 2.0' in result.stdout


def test_requests_are_written_for_cloudwatch(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    settings.SERVICE_ENVIRONMENT = "production"
    lines: list[str] = []
    monkeypatch.setattr(metrics.logger, "info", lines.append)
    metrics.write_requests()
    metrics.count_request("GET", "page", 200, 0.25)
    metrics.count_request("BREW", "page", 500, 0.5)

    metrics.write_requests()
    metrics.write_requests()
    _, first, second = map(json.loads, lines)

    (directive,) = first["_aws"]["CloudWatchMetrics"]
    assert [metric["Name"] for metric in directive["Metrics"]] == ["Requests", "ServerErrors", "RequestMilliseconds"]
    assert [first[name] for name in ("Requests", "ServerErrors", "RequestMilliseconds")] == [2, 1, 750]
    assert directive["Dimensions"] == [["Service", "Environment"]]
    assert (first["Service"], first["Environment"]) == (settings.SERVICE_NAME, "production")
    assert second["Requests"] == 0


def test_the_version_says_what_the_image_was_built_from(client: Client, settings: LazySettings) -> None:
    settings.SERVICE_COMMIT, settings.SERVICE_BUILT_AT = "0123abc", "2026-01-02T03:04:05Z"

    assert client.get("/version").json() == {"commit": "0123abc", "built_at": "2026-01-02T03:04:05Z"}


class Sentry(BaseHTTPRequestHandler):
    """Takes what is reported."""

    reports: list[str] = []

    def do_POST(self) -> None:
        self.reports.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def sentry() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Sentry) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://key@127.0.0.1:{server.server_port}/7"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("asked_for", [True, False])
def test_errors_go_to_sentry_when_asked_for(sentry: str, asked_for: bool) -> None:
    Sentry.reports.clear()
    code = "import django, logging; django.setup(); logging.getLogger('x').error('broken')"
    environment = os.environ | {"SENTRY_DSN": sentry if asked_for else ""}
    result = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)

    assert "broken" in result.stderr
    assert [path.startswith("/api/7/") for path in Sentry.reports] == [True] * asked_for
