"""ECR's registry, and the stand-in of what lies outside AWS: Docker Hub and the page of RDS's certificates.

Each account's registry is Debian's docker-registry behind nginx (registry/). Layers go straight to it; manifests pass through the
sandbox, so that what is pushed, and what is deleted, counts in ECR's records at once, and tags hold.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import fcntl
import hashlib
import json
import pathlib
import re
import secrets
import urllib.parse
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests
from moto.core.request import Request
from moto.ecr.exceptions import ImageAlreadyExistsException
from moto.ecr.models import Image, Repository, ecr_backends
from werkzeug.wrappers import Response

from sandbox.core import access
from sandbox.core.daemon import state_folder
from sandbox.core.gateway import Call, Sandbox, State
from sandbox.core.wire import AwsError
from sandbox.live import authority, lifecycle
from sandbox.live.engine import Engine, EngineError, wait_until

if TYPE_CHECKING:
    from sandbox.core.access import Principal

FOLDER = pathlib.Path(__file__).with_name("registry")
TRUSTSTORE = "truststore.pki.rds.amazonaws.com"
# What the engines inside find on Docker Hub: this machine's own images (Engine.base) under the names that a service's files have.
MIRRORED = {
    "python": ("library/python:3.13-slim",),
    "mysql": ("library/mysql:8.4", "library/mysql:8"),
    "redis": ("library/redis:8",),
}
# Kept when the sandbox goes, as images are: the next one need not push them again. By hand: docker volume rm little-service-mirror
MIRROR_VOLUME = "little-service-mirror"
HOURS_OF_A_TOKEN = 12  # https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
KINDS = [f"application/vnd.docker.distribution.manifest.{kind}v2+json" for kind in ("", "list.")]
KINDS += [f"application/vnd.oci.image.{kind}.v1+json" for kind in ("manifest", "index")]
# The actions that Docker's requests need: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
ACTIONS = {
    ("blobs", "GET"): "GetDownloadUrlForLayer",
    ("blobs", "HEAD"): "BatchCheckLayerAvailability",
    ("blobs", "POST"): "InitiateLayerUpload",
    ("blobs", "PATCH"): "UploadLayerPart",
    ("blobs", "PUT"): "CompleteLayerUpload",
    ("manifests", "GET"): "BatchGetImage",
    ("manifests", "HEAD"): "BatchGetImage",
    ("manifests", "PUT"): "PutImage",
    ("tags", "GET"): "ListImages",
}
_direct = requests.Session()
_direct.trust_env = False  # no proxy lies between this machine and its containers


@dataclasses.dataclass(frozen=True)
class Registry:
    """Where an engine inside finds images."""

    host: str  # ECR's, as it stands in an image's name
    address: str  # that host's in the sandbox's network; it speaks HTTP on port 80
    mirror: str  # the URL of what plays Docker Hub


def prepare(engine: Engine, account: str, region: str) -> Registry:
    """Have an account's registry run, and what plays the outside; at once where they do. To be called beside the sandbox."""
    host = f"{account}.dkr.ecr.{region}.amazonaws.com"
    told = {"SANDBOX": engine.url, "GATEWAY": engine.addresses["Gateway"], "REGISTRY": f"{account}/{region}"}
    with (state_folder() / "registry.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # whoever else prepares it, in this process or another
        outside = _running(engine, "outside") or _start_outside(engine)
        part = f"ecr/{account}/{region}"
        address = engine.address(_running(engine, part) or _start(engine, part, "ecr", names=[host], environment=told))
        if not wait_until(lambda: _answers(f"http://{address}:5001/v2/"), 30):
            raise EngineError(f"The registry of {host} does not answer")
    return Registry(host, address, f"http://{engine.address(outside)}:5000")


def _running(engine: Engine, part: str) -> str | None:
    """The container of a part, started again where it had ended."""
    for container in engine.ids(part):
        engine.docker("start", container)
        return container
    return None


def _start(engine: Engine, part: str, role: str, **more: Any) -> str:
    return engine.run(part, engine.build("registry", FOLDER, BASE=engine.base("python")), role, **more)


def _start_outside(engine: Engine) -> str:
    """Docker Hub's mirror, filled, and the truststore."""
    certificate, key = authority.certificate([TRUSTSTORE])
    told = {"CERTIFICATE": certificate.decode(), "KEY": key.decode(), "BUNDLE": authority.root().decode()}
    # On an address of this machine: Docker pushes without TLS to those alone.
    options = [f"--volume={MIRROR_VOLUME}:/var/lib/registry", "--publish=127.0.0.1::5000"]
    container = _start(engine, "outside", "outside", names=[TRUSTSTORE], environment=told, options=options)
    try:
        _fill(engine, engine.docker("port", container, "5000/tcp").split()[0])
    except EngineError:
        engine.remove("outside")  # one that is not filled would count as prepared
        raise
    return container


def _fill(engine: Engine, at: str) -> None:
    if not wait_until(lambda: _answers(f"http://{at}/v2/"), 30):
        raise EngineError("The mirror of Docker Hub does not answer")
    for kind, names in MIRRORED.items():
        for name in names:
            _mirror(engine, at, engine.base(kind), name)


def _mirror(engine: Engine, at: str, image: str, name: str) -> None:
    repository, tag = name.split(":")
    there = _direct.get(f"http://{at}/v2/{repository}/manifests/{tag}", headers={"Accept": ", ".join(KINDS)}, timeout=30)
    identifier = engine.docker("image", "inspect", "--format", "{{.Id}}", image).strip()
    if there.ok and identifier in (there.json().get("config", {}).get("digest"), there.headers.get("Docker-Content-Digest")):
        return
    engine.docker("tag", image, f"{at}/{name}")
    try:
        engine.docker("push", "--quiet", f"{at}/{name}")
    finally:
        engine.docker("rmi", f"{at}/{name}")


def _answers(url: str) -> bool:
    try:
        return _direct.get(url, timeout=5).ok
    except requests.RequestException:
        return False


class Logins(State):
    """Who may speak to registries, by the password that GetAuthorizationToken gave."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.known: dict[str, tuple[Principal, datetime.datetime]] = {}


def log_in(call: Call) -> dict[str, Any]:
    """What GetAuthorizationToken answers: a password that acts for the caller."""
    password, ends = secrets.token_urlsafe(32), call.clock.now() + datetime.timedelta(hours=HOURS_OF_A_TOKEN)
    call.state(Logins).known[password] = (dataclasses.replace(call.principal, internal=False), ends)
    token = base64.b64encode(f"AWS:{password}".encode()).decode()
    accounts = call.params.get("registryIds") or [call.account]
    where = [f"https://{account}.dkr.ecr.{call.region}.amazonaws.com" for account in accounts]
    return {"authorizationData": [{"authorizationToken": token, "expiresAt": ends, "proxyEndpoint": one} for one in where]}


class Refused(Exception):
    """What the registry says, in the form of https://distribution.github.io/distribution/spec/api/#errors."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, json.dumps({"errors": [{"code": code, "message": message}]})


def door(sandbox: Sandbox, request: Request) -> Response:
    """The page that nginx asks: about a layer whether the caller may, about a manifest for all of it. nginx is beside its registry."""
    with sandbox.lock:
        try:
            return _answer(sandbox, request)
        except Refused as refused:
            if refused.status == 401:
                return Response(refused.body, 401, {"WWW-Authenticate": 'Basic realm="Amazon ECR"'}, content_type="application/json")
            # About a layer nginx takes no other no: https://nginx.org/en/docs/http/ngx_http_auth_request_module.html
            status = 403 if "/blobs/" in request.headers["X-Registry-Path"] else refused.status
            return Response(refused.body, status, {"X-Refusal": refused.body}, content_type="application/json")


def _answer(sandbox: Sandbox, request: Request) -> Response:
    method, path = request.headers["X-Registry-Method"], urllib.parse.urlsplit(request.headers["X-Registry-Path"]).path
    who = _caller(sandbox, request)
    if path in ("/v2", "/v2/"):
        return Response("{}", 200, content_type="application/json")
    found = re.fullmatch(r"/v2/(.+)/(blobs|manifests|tags)/(.+)", path)
    action = ACTIONS.get((found[2], method)) if found else None
    if not found or not action:
        raise Refused(405, "UNSUPPORTED", "The operation is unsupported.")
    account, _, region = request.headers["X-Registry"].partition("/")
    asked = SimpleNamespace(sandbox=sandbox, service="ecr", operation=action, region=region, account=who.account, owner=account)
    asked.principal, asked.params = who, {"repositoryName": found[1], "registryId": account}
    try:
        access.authorise(asked)  # it reads no more of a call than this
    except AwsError as error:
        raise Refused(403, "DENIED", error.message) from error
    repository = ecr_backends[account][region].repositories.get(found[1])
    if repository is None:
        message = f"The repository with name '{found[1]}' does not exist in the registry with id '{account}'"
        raise Refused(404, "NAME_UNKNOWN", message)
    if found[2] == "blobs":
        return Response(status=200)
    if found[2] == "tags":
        tags = sorted(tag for image in repository.images for tag in image.image_tags)
        return Response(json.dumps({"name": found[1], "tags": tags}), 200, content_type="application/json")
    if method == "PUT":
        store(repository, found[3], request.get_data(), request.content_type or "", request.remote_addr or "")
        sandbox.clock.after(lifecycle.SECONDS, lambda: lifecycle.expire(repository, sandbox.clock.now()))
        return Response(status=201, headers={"Docker-Content-Digest": digest_of(request.get_data()), "Location": path})
    return _fetched(repository, found[3], method, request.remote_addr or "")


def _caller(sandbox: Sandbox, request: Request) -> Principal:
    given = request.authorization
    if given is None or given.username != "AWS":
        raise Refused(401, "UNAUTHORIZED", "authentication required")
    for logins in sandbox.states(Logins):
        who, ends = logins.known.get(given.password or "", (None, None))
        if who and ends > sandbox.clock.now():
            return who
    raise Refused(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")


def _fetched(repository: Repository, reference: str, method: str, address: str) -> Response:
    """The manifest of an image that ECR's records have; the registry knows it by its digest, tags are the records' own."""
    image = find(repository, reference)
    if image is None:
        raise Refused(404, "MANIFEST_UNKNOWN", "Requested image not found")
    url = f"http://{address}:5001/v2/{repository.name}/manifests/{image.image_digest}"
    answer = _direct.request(method, url, headers={"Accept": ", ".join(KINDS)}, timeout=60)
    kept = {key: text for key, text in answer.headers.items() if key in ("Content-Type", "Docker-Content-Digest", "Content-Length")}
    return Response(answer.content, answer.status_code, kept)


def digest_of(manifest: bytes) -> str:
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def find(repository: Repository, reference: str) -> Image | None:
    """The image of a tag or a digest."""
    return next((image for image in repository.images if reference in (image.image_digest, *image.image_tags)), None)


def store(repository: Repository, reference: str, manifest: bytes, kind: str, address: str) -> None:
    """Put an image down in the registry and in ECR's records, unless its tag is another's for good."""
    backend = ecr_backends[repository.account_id][repository.region_name]
    digest, tag = digest_of(manifest), None if reference.startswith("sha256:") else reference
    image = find(repository, digest)
    if image and tag in (None, *image.image_tags):
        return
    try:
        others = backend._resolve_image_tag_mutability(repository, tag)  # None has no other
    except ImageAlreadyExistsException as error:
        what = f"The image tag '{tag}' already exists in the '{repository.name}' repository and cannot be overwritten"
        raise Refused(400, "TAG_INVALID", f"{what} because the tag is immutable.") from error
    url = f"http://{address}:5001/v2/{repository.name}/manifests/{digest}"
    answer = _direct.put(url, data=manifest, headers={"Content-Type": kind}, timeout=60)
    if not answer.ok:
        told = answer.json()["errors"][0]
        raise Refused(answer.status_code, told["code"], f"{told['message']} {told.get('detail') or ''}".strip())
    for other in others:  # they stay, without the tag; moto would remove them
        other.remove_tag(tag)
    if image is None:
        image = backend.put_image(repository.name, manifest.decode(), tag, kind, digest)
        size = _size(repository, json.loads(manifest))
        image.get_image_size_in_bytes = lambda: size  # moto's is that of the configuration
    else:
        image.update_tag(tag)


def _size(repository: Repository, manifest: dict[str, Any]) -> int:
    """Of a list, the greatest of its images' (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html)."""
    if "layers" in manifest:
        return sum(layer["size"] for layer in manifest["layers"])
    parts = [find(repository, part["digest"]) for part in manifest.get("manifests", [])]
    return max((part.image_size_in_bytes or 0 for part in parts if part), default=0)
