"""A release serves when its commit answers, three times running, and its environments are well."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from tests.aws.beanstalk import WEB, Beanstalk, declared

COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
ASKED = {"application": "orbit-staging", "environments": ["orbit-staging"], "commit": COMMIT}


@pytest.fixture
def service():
    """Answers each request with the next of its answers, the last one again and again."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answers = self.server.answers
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers = [(200, json.dumps({"commit": COMMIT}))]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def beanstalk(aws):
    ready = Beanstalk(aws)
    aws.run("beanstalk_environment", **declared(WEB, wait=True))
    return ready


def at(service) -> str:
    return f"127.0.0.1:{service.server_address[1]}"


def test_it_waits_through_what_is_on_its_way_out(aws, beanstalk, service):
    right, old = (200, json.dumps({"commit": COMMIT})), (200, json.dumps({"commit": "f" * 40}))
    service.answers = [(502, "Bad gateway"), old, right, old, right, (200, "no JSON"), right]
    served = aws.run("release_served", domain=at(service), **ASKED)
    assert (served["commit"], served["address"], served.writes) == (COMMIT, f"http://{at(service)}/", [])
    assert len(service.answers) == 1


def test_another_commit_that_goes_on_answering_is_a_failure(aws, beanstalk, service):
    service.answers = [(200, json.dumps({"commit": "f" * 40}))]
    assert f"says commit {'f' * 12}" in aws.refused("release_served", domain=at(service), timeout=1, **ASKED)


def test_where_nothing_runs_nothing_is_asked(aws, beanstalk):
    served = aws.run("release_served", answers=False, **ASKED)
    assert served["commit"] == ""
    assert served["address"].startswith("http://orbit-staging-")


def test_an_environment_that_does_not_stand_is_told(aws):
    assert "does not stand. It is made by aws_up.yml" in aws.refused("release_served", **ASKED)
