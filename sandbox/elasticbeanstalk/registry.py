"""How a function of this package becomes an operation of the API."""

from __future__ import annotations

from typing import Any

from sandbox.core.gateway import Answer, Call, Handler, operation
from sandbox.elasticbeanstalk.models import Beanstalk

Params = dict[str, Any]


def beanstalk_operation(handler: Any) -> Handler:
    """Register ``handler(beanstalk, params)`` as the operation of its name."""

    def answered(call: Call) -> Answer:
        beanstalk = call.state(Beanstalk)
        beanstalk.request = call.id
        return handler(beanstalk, call.params)

    answered.__name__ = handler.__name__
    return operation("elasticbeanstalk")(answered)


def given(**parts: Any) -> Params:
    return {key: part for key, part in parts.items() if part is not None}
