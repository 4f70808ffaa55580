"""ECR of a live sandbox is a registry, as Docker sees it; and what the engines inside find outside AWS."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator

import pytest

from sandbox.live import machine, registry
from sandbox.live.engine import EngineError
from tests.live.conftest import until
from tests.sandbox.conftest import ACCOUNT, REGION, allow, policy

pytestmark = [pytest.mark.docker]

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
IMAGE = f"{HOST}/orbit"


class Docker:
    """An engine in a machine of the sandbox's."""

    def __init__(self, live) -> None:
        self.live, self.ecr = live, live.cloud.client("ecr")
        self.container = machine.start(live.engine, "ec2", registry.prepare(live.engine, ACCOUNT, REGION))

    def __call__(self, *command: str, stdin: str | None = None) -> str:
        return self.live.engine.execute(self.container, "docker", *command, stdin=stdin.encode() if stdin is not None else None)

    def log_in(self, ecr=None, host: str = HOST) -> None:
        token = (ecr or self.ecr).get_authorization_token()["authorizationData"][0]["authorizationToken"]
        self("login", "--username=AWS", "--password-stdin", host, stdin=base64.b64decode(token).decode().partition(":")[2])

    def build(self, reference: str, words: str) -> None:
        self("build", "--quiet", f"--tag={reference}", "-", stdin=f"FROM redis:8\nLABEL words={words}\n")

    def images(self) -> dict[str, dict]:
        found = self.ecr.describe_images(repositoryName="orbit")["imageDetails"]
        return {tag: image for image in found for tag in image.get("imageTags", ["none"])}


@contextlib.contextmanager
def refusing(words: str) -> Iterator[None]:
    with pytest.raises(EngineError, match=words):
        yield


@pytest.fixture(scope="module")
def docker(live) -> Docker:
    live.cloud.client("ecr").create_repository(repositoryName="orbit", imageTagMutability="IMMUTABLE")
    made = Docker(live)
    made.log_in()
    return made


def test_what_is_pushed_is_in_ecr_at_once_and_can_be_pulled_by_its_digest(docker):
    docker.build(f"{IMAGE}:one", "first")
    docker("push", "--quiet", f"{IMAGE}:one")
    image = docker.images()["one"]
    assert image["imageSizeInBytes"] > 1_000_000
    docker("rmi", f"{IMAGE}:one")
    docker("pull", "--quiet", f"{IMAGE}@{image['imageDigest']}")
    assert image["imageDigest"] in docker("image", "inspect", "--format={{.RepoDigests}}", f"{IMAGE}@{image['imageDigest']}")


def test_a_tag_that_is_taken_is_not_given_to_another_image_and_the_same_one_may_come_again(docker):
    docker.build(f"{IMAGE}:taken", "first")
    docker("push", "--quiet", f"{IMAGE}:taken")
    docker("push", "--quiet", f"{IMAGE}:taken")
    docker.build(f"{IMAGE}:taken", "second")
    words = "The image tag 'taken' already exists in the 'orbit' repository and cannot be overwritten because the tag is immutable"
    with refusing(words):
        docker("push", "--quiet", f"{IMAGE}:taken")


def test_a_tag_that_the_api_adds_can_be_pulled_and_an_image_that_it_deletes_cannot(docker):
    docker.build(f"{IMAGE}:two", "two")
    docker("push", "--quiet", f"{IMAGE}:two")
    (found,) = docker.ecr.batch_get_image(repositoryName="orbit", imageIds=[{"imageTag": "two"}])["images"]
    docker.ecr.put_image(repositoryName="orbit", imageManifest=found["imageManifest"], imageTag="released-two")
    docker("pull", "--quiet", f"{IMAGE}:released-two")
    docker.ecr.batch_delete_image(repositoryName="orbit", imageIds=[{"imageDigest": found["imageId"]["imageDigest"]}])
    for tag in ("two", "released-two"):
        with refusing("Requested image not found"):
            docker("pull", "--quiet", f"{IMAGE}:{tag}")


def test_a_role_pushes_and_pulls_what_its_policies_allow(docker, live):
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    where = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/orbit"
    role = live.cloud.role("instance", "ec2.amazonaws.com", allow("ecr:GetAuthorizationToken"), allow(pull, where))
    docker.build(f"{IMAGE}:mine", "mine")
    docker.log_in(live.cloud.as_role("ecr", role, "ec2.amazonaws.com"))
    try:
        docker("pull", "--quiet", f"{IMAGE}:one")
        with refusing(r"assumed-role/instance/\S+ is not authorized to perform: ecr:(BatchCheckLayerAvailability|InitiateLayerUpload)"):
            docker("push", "--quiet", f"{IMAGE}:mine")
    finally:
        docker.log_in()


def test_another_account_pulls_what_a_repositorys_policy_lets_it(docker, live):
    other = "210987654321"
    theirs, host = live.cloud.client("ecr", key=other), f"{other}.dkr.ecr.{REGION}.amazonaws.com"
    theirs.create_repository(repositoryName="theirs")
    until(lambda: f"ecr/{other}/{REGION}" in live.parts())
    docker.log_in(theirs, host)
    docker.build(f"{host}/theirs:one", "theirs")
    docker("push", "--quiet", f"{host}/theirs:one")
    docker.log_in(docker.ecr, host)
    with refusing(f"user/administrator is not authorized to perform: ecr:BatchGetImage on resource: .*{other}:repository/theirs"):
        docker("pull", "--quiet", f"{host}/theirs:one")
    reading = allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    del reading["Resource"]
    theirs.set_repository_policy(repositoryName="theirs", policyText=policy(reading))
    docker("pull", "--quiet", f"{host}/theirs:one")
    docker.build(f"{host}/theirs:two", "mine")
    with refusing("is not authorized to perform: ecr:"):
        docker("push", "--quiet", f"{host}/theirs:two")


def test_who_is_not_logged_in_and_what_is_not_there_are_refused(docker):
    docker.build(f"{HOST}/nothing:one", "nothing")
    with refusing("The repository with name 'nothing' does not exist in the registry with id '123456789012'"):
        docker("push", "--quiet", f"{HOST}/nothing:one")
    docker("logout", HOST)
    try:
        with refusing("no basic auth credentials"):
            docker("pull", "--quiet", f"{IMAGE}:one")
    finally:
        docker.log_in()


def test_a_lifecycle_policy_keeps_the_newest_and_what_was_released(docker):
    for number in range(3):
        docker.build(f"{IMAGE}:old-{number}", f"old-{number}")
        docker("push", "--quiet", f"{IMAGE}:old-{number}")
    (first,) = docker.ecr.batch_get_image(repositoryName="orbit", imageIds=[{"imageTag": "old-0"}])["images"]
    docker.ecr.put_image(repositoryName="orbit", imageManifest=first["imageManifest"], imageTag="released-0")
    kept = {"tagStatus": "tagged", "countType": "imageCountMoreThan"}
    rules = [
        {"rulePriority": 1, "selection": {**kept, "tagPatternList": ["released-*"], "countNumber": 9}, "action": {"type": "expire"}},
        {"rulePriority": 2, "selection": {**kept, "tagPatternList": ["*"], "countNumber": 1}, "action": {"type": "expire"}},
    ]
    docker.ecr.put_lifecycle_policy(repositoryName="orbit", lifecyclePolicyText=registry.json.dumps({"rules": rules}))
    until(lambda: set(docker.images()) == {"old-0", "released-0", "old-2"}, 30)


def test_rds_truststore_has_the_authority_that_signs_here(docker, live):
    page = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
    assert live.engine.execute(docker.container, "curl", "--silent", "--fail", page) == live.root.read_text()
