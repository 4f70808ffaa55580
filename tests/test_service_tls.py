"""As on AWS: a MySQL and a Redis that take nothing but TLS, and a service that takes no server but the right one."""

from __future__ import annotations

import datetime
import json
import pathlib
import re
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.service import Service, born

pytestmark = [pytest.mark.docker, pytest.mark.full]

PASSWORD = "0123456789abcdef" * 2
COMPOSE = {"COMPOSE_FILE": "docker-compose.yml:docker-compose.ci.yml:tls.json"}
ASK_MYSQL = """
import django; django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
    print(cursor.fetchone()[1])
"""
IMPORTS = """
import django; django.setup()
from celery import current_app
from foundation import workers
"""
ASK_REDIS = (
    IMPORTS
    + """
with current_app.connection() as broker:
    broker.ensure_connection(max_retries=1, timeout=5)
workers.ping()
print("both ways")
"""
)


def authority(folder: pathlib.Path, name: str, hosts: list[str]) -> None:
    """A certificate authority of our own, and a server's certificate by it."""
    now = datetime.datetime.now(datetime.UTC)
    subjects = {part: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}-{part}")]) for part in ("ca", "server")}
    keys = {part: ec.generate_private_key(ec.SECP256R1()) for part in subjects}
    for part, subject in subjects.items():
        extensions = {
            "ca": [(x509.BasicConstraints(ca=True, path_length=0), True), (usage(), True)],
            "server": [(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False)],
        }[part]
        key = x509.SubjectKeyIdentifier.from_public_key(keys[part].public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys["ca"].public_key())
        builder = x509.CertificateBuilder(subjects["ca"], subject, keys[part].public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        for extension, critical in [*extensions, (key, False), (issuer, False)]:
            builder = builder.add_extension(extension, critical)
        certificate = builder.sign(keys["ca"], hashes.SHA256())
        pem = serialization.Encoding.PEM
        (folder / f"{name}-{part}.pem").write_bytes(certificate.public_bytes(pem))
        kind, sealed = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        # MySQL and Redis read it as users of their own.
        (folder / f"{name}-{part}.key").write_bytes(keys[part].private_bytes(pem, kind, sealed))


def usage() -> x509.KeyUsage:
    names = "digital_signature content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only"
    return x509.KeyUsage(**dict.fromkeys(names.split(), False), key_cert_sign=True, crl_sign=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    """The image that production runs, with a MySQL and a Redis that have certificates for ``mysql`` and ``redis``."""
    with born(tmp_path_factory.mktemp("tls"), "tls") as service:
        folder = service.path / "certificates-of-the-test"
        folder.mkdir()
        authority(folder, "right", ["mysql", "redis"])
        authority(folder, "wrong", ["mysql", "redis"])
        (service.path / "tls.json").write_text(json.dumps(with_tls(folder)))
        up = service.compose("up", "--build", "--detach", "--wait", "--wait-timeout", "180", **COMPOSE)
        try:
            assert up.status == 0, up.output + service.compose("logs", "--tail", "30", **COMPOSE).output
            yield service
        finally:
            service.compose("down", "--volumes", "--timeout", "5", **COMPOSE)


def with_tls(folder: pathlib.Path) -> dict:
    ours = {
        "environment": {
            "DATABASE_SSL_CA": "/certificates/right-ca.pem",
            "SSL_CERT_FILE": "/certificates/right-ca.pem",
            "REDIS_URL": f"rediss://:{PASSWORD}@redis:6379/0",
        },
        "volumes": [f"{folder}:/certificates:ro"],
    }
    mounted = {"volumes": [f"{folder}:/certificates:ro"], "networks": {"default": {"aliases": ["elsewhere"]}}}
    files = {"ca": "right-ca.pem", "cert": "right-server.pem", "key": "right-server.key"}
    mysql = [f"--ssl-{name}=/certificates/{file}" for name, file in files.items()]
    redis = {"ca-cert": "right-ca.pem", "cert": "right-server.pem", "key": "right-server.key"}
    options = [word for name, file in redis.items() for word in (f"--tls-{name}-file", f"/certificates/{file}")]
    listen = ["redis-server", "--port", "0", "--tls-port", "6379", "--tls-auth-clients", "no", "--requirepass", PASSWORD]
    ask = ["redis-cli", "--tls", "--cacert", "/certificates/right-ca.pem", "-a", PASSWORD, "--no-auth-warning", "-h", "redis", "ping"]
    return {
        "services": {
            **dict.fromkeys(("migrate", "web", "worker", "beat"), ours),
            "mysql": {**mounted, "command": [*mysql, "--require-secure-transport=ON"]},
            "redis": {**mounted, "command": [*listen, *options], "healthcheck": {"test": ["CMD", *ask]}},
        }
    }  # fmt: skip


def ask(service: Service, code: str, **environment: str):
    """Run Python in a container as production has it."""
    more = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    return service.compose("run", "--rm", "--no-deps", "--no-TTY", *more, "web", "python", "-c", code, **COMPOSE)


def test_the_service_comes_up_and_its_worker_works(service):
    shown = service.compose("exec", "--no-TTY", "web", "python", "-c", VISIT, **COMPOSE)
    assert shown.status == 0, shown.output
    assert re.search(r"The worker recorded visit <strong[^>]*>1<", shown.output), shown.output


VISIT = """
import time, urllib.request
for _ in range(30):
    page = urllib.request.urlopen("http://web:8000/", timeout=5).read().decode()
    request = urllib.request.Request("http://web:8000/", headers={"Sec-Purpose": "prefetch"})
    time.sleep(1)
    page = urllib.request.urlopen(request, timeout=5).read().decode()
    if "The worker recorded" in page:
        break
print(page)
"""


def test_mysql_is_spoken_to_by_tls(service):
    assert ask(service, ASK_MYSQL).output.splitlines()[-1].startswith("TLSv1.")


def test_a_mysql_that_another_authority_vouches_for_is_refused(service):
    refused = ask(service, ASK_MYSQL, DATABASE_SSL_CA="/certificates/wrong-ca.pem")
    assert refused.status != 0
    assert "certificate" in refused.output, refused.output


def test_a_mysql_of_another_name_is_refused(service):
    refused = ask(service, ASK_MYSQL, DATABASE_HOST="elsewhere")
    assert refused.status != 0
    assert "TLS/SSL error" in refused.output, refused.output


def test_a_file_of_authorities_that_is_not_there_is_named(service):
    refused = ask(service, ASK_MYSQL, DATABASE_SSL_CA="/certificates/none.pem")
    assert refused.status != 0
    assert "DATABASE_SSL_CA names no file: '/certificates/none.pem'" in refused.output


def test_redis_is_spoken_to_by_tls(service):
    assert ask(service, ASK_REDIS).output.splitlines()[-1] == "both ways"


@pytest.mark.parametrize(
    "change", [{"SSL_CERT_FILE": "/certificates/wrong-ca.pem"}, {"REDIS_URL": f"rediss://:{PASSWORD}@elsewhere:6379/0"}]
)
@pytest.mark.parametrize("way", ["current_app.connection().ensure_connection(max_retries=1, timeout=5)", "workers.ping()"])
def test_a_redis_that_is_another_is_refused_both_ways(service, way, change):
    refused = ask(service, f"{IMPORTS}\n{way}", **change)
    assert refused.status != 0
    assert "CERTIFICATE_VERIFY_FAILED" in refused.output, refused.output


def test_a_mysql_without_tls_is_refused(service):
    service.compose("stop", "mysql", **COMPOSE)
    # Without TLS it would let nobody in who asks with a password, as the health check of the service does.
    alive = {"test": ["CMD", "mysqladmin", "--host=127.0.0.1", "ping"]}
    plain = {"command": ["--tls-version=", "--require-secure-transport=OFF"], "healthcheck": alive}
    (service.path / "plain.json").write_text(json.dumps({"services": {"mysql": plain}}))
    files = {"COMPOSE_FILE": COMPOSE["COMPOSE_FILE"] + ":plain.json"}
    started = service.compose("up", "--detach", "--wait", "mysql", **files)
    assert started.status == 0, started.output
    refused = ask(service, ASK_MYSQL)
    assert refused.status != 0
    assert "SSL is required, but the server does not support it" in refused.output, refused.output
