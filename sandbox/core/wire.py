"""AWS's protocols: which operation a request asks for, what it says, and how an answer or an error is written.

Parsing, routing and writing are moto's; the models are botocore's. What is checked here is that both sides keep to them.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import re
from typing import Any

from botocore import parsers, serialize
from botocore.awsrequest import HeadersDict
from botocore.model import OperationNotFoundError
from botocore.validate import ParamValidator
from moto.core import utils
from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

# Where the name under which a request is signed is not the name of botocore's model.
SIGNING_NAMES = {
    "monitoring": "cloudwatch",
    "elasticloadbalancing": "elbv2",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
    "email": "ses",
}
CREDENTIAL = re.compile(r"Credential=([^/,]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
# Where the model is wrong: the page's own example says Ready, which its list of values does not hold.
# https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironmentHealth.html
MODEL_ERRORS = {("DescribeEnvironmentHealth", "status")}
# What AWS answers and botocore's model does not say, but awsebcli's own does (ebcli/lib/botocoredata), and `eb health` needs.
UNPUBLISHED = {"elasticbeanstalk": {"ConfigurationSettingsDescription": {"Tier": {"shape": "EnvironmentTier"}}}}


class AwsError(ServiceException):
    """An error with one of AWS's codes. moto writes it by the service's model, where the code is of the model.

    Not in a module of moto's: moto would look its service up by the module's name (moto/core/errors.py).
    """

    def __init__(self, code: str, message: str, status: int | None = None, **members: object) -> None:
        super().__init__(code, message)
        self.status = status
        for name, value in members.items():
            setattr(self, name, value)


@dataclasses.dataclass(frozen=True)
class Scope:
    """What a request's signature says, in a header or (presigned) in the query."""

    access_key: str
    region: str
    service: str

    @classmethod
    def of(cls, request: Request) -> Scope | None:
        signed = request.headers.get("Authorization") or "Credential=" + request.args.get("X-Amz-Credential", "")
        match = CREDENTIAL.search(signed)
        return cls(match[1], match[2], SIGNING_NAMES.get(match[3], match[3])) if match else None


# A loader looks through the folders of all services before it reads the model of one: one loader for all, moto's own use included.
utils.create_loader = functools.cache(utils.create_loader)


@functools.cache
def service_model(service: str) -> ServiceModel:
    model = utils.get_service_model(service)
    for shape, members in UNPUBLISHED.get(service, {}).items():
        model._shape_resolver._shape_map[shape]["members"] |= members
    return model


@functools.cache
def operation_model(service: str, operation: str) -> OperationModel:
    return service_model(service).operation_model(operation)


def protocol_of(service: str) -> str:
    """The protocol that the sandbox itself speaks to a service; moto has no CBOR, which newer models name first."""
    model = service_model(service)
    return "json" if "json" in model.metadata.get("protocols", []) else model.protocol


def operation_of(service: str, request: Request) -> tuple[str | None, dict[str, Any]]:
    """The operation that a request asks for, and the parameters that are in its path."""
    named = request.values.get("Action") or request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    if not named and "/operation/" in request.path:  # https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
        named = request.path.rpartition("/operation/")[2]
    if named:
        return named, {}
    try:
        model, found = get_service_router(service).match(request)
    except (HTTPException, NotImplementedError):
        return None, {}
    return model.name, found


def parse(service: str, operation: str, request: Request, path_params: dict[str, Any]) -> dict[str, Any]:
    """A request's parameters, named as in the model."""
    model = operation_model(service, operation)
    parser = PROTOCOL_PARSERS[determine_request_protocol(service_model(service), request.content_type)](model, map_type=dict)
    return parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": path_params,
        }
    )


def complaints(value: object, shape: Any, path: str = "") -> list[str]:
    """What is wrong with a value by the limits that botocore leaves to the server: enumerations, patterns, greatest lengths.

    The words are those of AWS's own validation, as in wolfeidau/buildkite-serverless-agent#37; ECR has its own (aws/aws-dotnet-deploy#549).
    """
    if shape.type_name == "structure" and isinstance(value, dict):
        return [
            c for k, v in value.items() if k in shape.members for c in complaints(v, shape.members[k], f"{path}.{lower(k)}".lstrip("."))
        ]
    if shape.type_name == "list" and isinstance(value, list):
        return limits(value, shape, path) + [c for n, v in enumerate(value, 1) for c in complaints(v, shape.member, f"{path}.{n}.member")]
    if shape.type_name == "map" and isinstance(value, dict):
        return [c for k, v in value.items() for c in complaints(v, shape.value, f"{path}.{k}.member")]
    if shape.type_name == "string" and isinstance(value, str):
        return limits(value, shape, path)
    if shape.type_name in ("integer", "long") and isinstance(value, int):
        return limits(value, shape, path)
    return []


def lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def limits(value: Any, shape: Any, path: str) -> list[str]:
    """What is wrong with one string, number or list."""
    meta = shape.metadata
    size, what = (value, "value") if isinstance(value, int) else (len(value), "length")
    wrong = []
    if "min" in meta and size < meta["min"]:
        wrong.append(f"have {what} greater than or equal to {meta['min']}")
    if "max" in meta and size > meta["max"]:
        wrong.append(f"have {what} less than or equal to {meta['max']}")
    if meta.get("enum") and value not in meta["enum"]:
        wrong.append(f"satisfy enum value set: [{', '.join(meta['enum'])}]")
    if isinstance(value, str) and not matches(meta.get("pattern"), value):
        wrong.append(f"satisfy regular expression pattern: {meta['pattern']}")
    shown = "" if meta.get("sensitive") else f"'{value}' "
    return [f"Value {shown}at '{path}' failed to satisfy constraint: Member must {w}" for w in wrong]


def matches(pattern: str | None, value: str) -> bool:
    """Whether a whole value is of a pattern. Patterns are Java's: where Python does not know one (``\\p{L}``), any value is."""
    try:
        return pattern is None or re.fullmatch(pattern, value) is not None
    except re.error:
        return True


def check_request(service: str, operation: str, params: dict[str, Any]) -> None:
    """Refuse a request that does not keep to the operation's input model."""
    shape = operation_model(service, operation).input_shape
    if shape is None:
        return
    protocol = service_model(service).protocol
    code = "ValidationError" if protocol in ("query", "ec2") else "ValidationException"
    report = ParamValidator().validate(params, shape)
    missing = [f"Value null at '{lower(match)}' failed to satisfy constraint: Member must not be null" for match in required(report)]
    wrong = missing + complaints(params, shape)
    if wrong and service == "ecr":
        own = re.sub(
            r"Value .*at '(.+?)' failed to satisfy constraint: Member (.*)",
            r"Invalid parameter at '\1' failed to satisfy constraint: '\2'",
            wrong[0],
        )
        raise AwsError("InvalidParameterException", own)
    if wrong:
        noun = "error" if len(wrong) == 1 else "errors"
        raise AwsError(code, f"{len(wrong)} validation {noun} detected: {'; '.join(wrong)}")


def required(report: Any) -> list[str]:
    return re.findall(r'Missing required parameter in [^:]+: "([^"]+)"', report.generate_report())


def check_answer(service: str, operation: str, answer: dict[str, Any]) -> None:
    """Stop an answer of ours that AWS's model does not know: a fault of the sandbox, never of its caller."""
    shape = operation_model(service, operation).output_shape
    if shape is None:
        return
    report = ParamValidator().validate(answer, shape)
    # AWS itself answers empty lists that its models say have a member at least.
    wrong = [line for line in report.generate_report().splitlines() if not line.startswith(("Invalid length", "Invalid value"))]
    wrong += [c for c in complaints(answer, shape) if "enum value set" in c and (operation, c.split("'")[3]) not in MODEL_ERRORS]
    if wrong:
        raise AwsError("SandboxAnswerInvalid", f"{service} {operation}: {'; '.join(wrong)}", 500)


def write(service: str, operation: str | None, request: Request, result: dict[str, Any] | AwsError, request_id: str) -> Response:
    """An answer or an error in the protocol that the request came in."""
    model = service_model(service)
    try:
        operation_known = model.operation_model(operation)
    except (OperationNotFoundError, KeyError):
        operation_known = OperationModel({}, model)
    try:
        protocol = determine_request_protocol(model, request.content_type)
    except NotImplementedError:
        protocol = protocol_of(service)
    if protocol == "query" and request.values.get("ContentType") == "JSON":
        protocol = "query-json"
    serializer = get_serializer_class(model.service_name, protocol)(operation_known, SerializationContext(request_id))
    done = serializer.serialize(result)
    status = getattr(result, "status", None) or done["status_code"]
    return Response(done["body"], status, {**done["headers"], "x-amzn-RequestId": request_id})


def http_request(service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """The HTTP request for an operation, as a client would send it."""
    model = operation_model(service, operation)
    return serialize.create_serializer(protocol_of(service), include_validation=False).serialize_to_request(params, model)


def read(service: str, operation: str, response: Response) -> dict[str, Any]:
    """What an answer says, or the error that it is."""
    model = operation_model(service, operation)
    body = response.get_data()
    streamed = model.has_streaming_output and response.status_code < 300
    parsed = parsers.create_parser(protocol_of(service)).parse(
        {"body": io.BytesIO(body) if streamed else body, "headers": HeadersDict(response.headers), "status_code": response.status_code},
        model.output_shape,
    )
    parsed.pop("ResponseMetadata", None)
    if response.status_code >= 300:
        error = parsed.get("Error", {})
        raise AwsError(error.get("Code", "InternalFailure"), error.get("Message", ""), response.status_code)
    return parsed
