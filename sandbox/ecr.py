"""ECR where moto's is not enough: an image's digest is that of its manifest; a repository of another account, by its policy.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import hashlib

from moto.ecr.models import ecr_backends

from sandbox.core import policies
from sandbox.core.clock import beside
from sandbox.core.gateway import Answer, Call, operation
from sandbox.core.wire import AwsError


@operation("ecr")
def create_repository(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html; a live one starts the registry."""
    answered = call.forward()
    engine = call.sandbox.live
    if engine and answered.status_code == 200:
        from sandbox.live import registry  # noqa: PLC0415 who does not need it need not have it

        call.clock.play(beside(lambda: registry.prepare(engine, call.account, call.region)))
    return answered


@operation("ecr")
def get_authorization_token(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html"""
    if not call.sandbox.live:
        return call.forward()
    from sandbox.live import registry  # noqa: PLC0415 who does not need it need not have it

    return registry.log_in(call)


@operation("ecr")
def put_lifecycle_policy(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutLifecyclePolicy.html; in a live sandbox images expire."""
    answered = call.forward()
    if call.sandbox.live and answered.status_code == 200:
        from sandbox.live import lifecycle  # noqa: PLC0415 who does not need it need not have it

        repository = ecr_backends[call.owner][call.region].repositories[call.params["repositoryName"]]
        call.clock.after(lifecycle.SECONDS, lambda: lifecycle.expire(repository, call.clock.now()))
    return answered


@operation("ecr")
def put_image(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html"""
    params = call.params
    digest = f"sha256:{hashlib.sha256(params['imageManifest'].encode()).hexdigest()}"
    if params.get("imageDigest", digest) != digest:
        message = f"The provided digest '{params['imageDigest']}' does not match the digest '{digest}' of the manifest"
        raise AwsError("ImageDigestDoesNotMatchException", message)
    try:
        return call.ask(imageDigest=digest)
    except AwsError as error:
        repository = ecr_backends[call.owner][call.region].repositories.get(params["repositoryName"])
        if error.code != "ImageAlreadyExistsException" or any(image.image_digest == digest for image in repository.images):
            raise
        where = f"in the '{params['repositoryName']}' repository and cannot be overwritten because the tag is immutable"
        raise AwsError("ImageTagAlreadyExistsException", f"The image tag '{params['imageTag']}' already exists {where}.") from error


@operation("ecr")
def set_repository_policy(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html"""
    document = policies.read(call.params["policyText"])
    if document is None or policies.unknown_principal(document):
        what = "Invalid repository policy provided" if document is None else "Principal not found"
        raise AwsError("InvalidParameterException", f"Invalid parameter at 'PolicyText' failed to satisfy constraint: '{what}'")
    return call.forward()
