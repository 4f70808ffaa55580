"""Long lists in pages, as AWS gives them: who never turns the page must not see everything here either."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from botocore.exceptions import DataNotFoundError
from moto.core.utils import get_pagination_model

from sandbox.core.wire import AwsError

if TYPE_CHECKING:
    from sandbox.core.gateway import Call

# How much a page holds where the request does not say: each operation's own page of the API reference.
SIZES = {"codebuild": 100, "codepipeline": 100, "elasticache": 100, "rds": 100, "resourcegroupstaggingapi": 50, "service-quotas": 100}
WHOLE = 1000
# botocore has no paginator for it: https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_ListConnections.html
CONNECTIONS = {"input_token": "NextToken", "limit_key": "MaxResults", "output_token": "NextToken", "result_key": "Connections"}


@functools.cache
def models(service: str) -> dict[str, Any]:
    try:
        return get_pagination_model(service)
    except DataNotFoundError:
        return {}


def page(call: Call, answer: dict[str, Any]) -> dict[str, Any]:
    """The part of a whole answer that was asked for. A token is the number of what comes next."""
    model = CONNECTIONS if call.operation == "ListConnections" else models(call.service).get(call.operation or "")
    key = model["result_key"] if model else None
    if not isinstance(key, str) or not isinstance(answer.get(key), list) or answer.get(model["output_token"]):
        return answer
    token = call.params.get(model["input_token"]) or "0"
    if not token.isdigit():
        raise AwsError("InvalidParameterValue", f"{model['input_token']} is not valid: {token}")
    start, size = int(token), call.params.get(model.get("limit_key", "")) or SIZES.get(call.service, WHOLE)
    more = {model["output_token"]: str(start + size)} if start + size < len(answer[key]) else {}
    return {**answer, key: answer[key][start : start + size], **more}
