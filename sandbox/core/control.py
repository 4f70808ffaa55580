"""The sandbox's own addresses, under ``/_sandbox/``: who it is, what it did and holds, and how it is to behave."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.core.request import Request
from werkzeug.wrappers import Response

from sandbox.core import access, inventory
from sandbox.core.clock import PROFILES
from sandbox.core.daemon import NAME
from sandbox.core.wire import AwsError

if TYPE_CHECKING:
    from sandbox.core.gateway import Sandbox


def health(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """Who answers here: ``bin/sandbox`` knows a sandbox of ours by its name, and stops it by its process."""
    return {
        "name": NAME,
        "pid": os.getpid(),
        "mode": sandbox.mode,
        "started": sandbox.started.isoformat(timespec="seconds"),
        "clock": clock(sandbox, request),
        "calls": len(sandbox.calls.since(0)),
    }


def calls(sandbox: Sandbox, request: Request) -> list[dict[str, Any]]:
    return sandbox.calls.since(int(request.args.get("since", 0)))


def resources(sandbox: Sandbox, request: Request) -> list[dict[str, Any]]:
    with sandbox.lock:
        return inventory.standing(sandbox)


def containers(sandbox: Sandbox, request: Request) -> list[dict[str, Any]]:
    """What a live sandbox runs, and its memory."""
    return sandbox.live.listing() if sandbox.live else []


def clock(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    return {"profile": sandbox.clock.profile, "speed": sandbox.clock.speed}


def set_clock(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """``{"profile": "real", "speed": 60}``; with ``{"skip": 90}`` so many seconds of AWS's time pass at once."""
    wanted = {**clock(sandbox, request), **request.get_json()}
    if wanted["profile"] not in PROFILES or not 0 < float(wanted["speed"]) <= 1e6:
        raise ValueError(f"profile is one of {', '.join(PROFILES)}, speed a number above 0: {wanted}")
    with sandbox.lock:
        sandbox.clock.set(wanted["profile"], float(wanted["speed"]))
        sandbox.clock.skip(float(wanted.get("skip", 0)))
    return clock(sandbox, request)


def faults(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    return {"seed": sandbox.faults.seed, "rules": [vars(rule) for rule in sandbox.faults.rules]}


def set_faults(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """``{"seed": 1, "rules": [{"kind": "throttle", "share": 0.2, "service": "rds", "operation": "Describe*", "times": 3}]}``"""
    wanted = request.get_json()
    with sandbox.lock:
        sandbox.faults.set(wanted.get("rules", []), int(wanted.get("seed", 0)))
    return faults(sandbox, request)


def reset(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    sandbox.reset()
    return health(sandbox, request)


def credentials(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """``{"role": ARN, "service": "codebuild.amazonaws.com"}``: what that service gets when it assumes the role."""
    wanted = request.get_json()
    with sandbox.lock:
        return access.assume(wanted["role"], wanted["service"])


Page = Callable[["Sandbox", Request], Any]
# A page of a service is imported with it: "module:function".
PAGES: dict[tuple[str, str], Page | str] = {
    ("GET", "health"): health,
    ("GET", "calls"): calls,
    ("GET", "resources"): resources,
    ("GET", "containers"): containers,
    ("GET", "clock"): clock,
    ("PUT", "clock"): set_clock,
    ("GET", "faults"): faults,
    ("PUT", "faults"): set_faults,
    ("POST", "reset"): reset,
    ("POST", "credentials"): credentials,
    ("PUT", "connections"): "codeconnections:complete",
    ("PUT", "subscriptions"): "sns:confirm",
    ("GET", "repositories"): "live.source:look",
    ("PUT", "repositories"): "live.source:keep",
    ("POST", "pushes"): "live.source:pushed",
    **{(method, "registry"): "live.registry:door" for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")},
}


def answer(sandbox: Sandbox, request: Request) -> Response:
    name = request.path.removeprefix("/_sandbox").strip("/")
    page = PAGES.get((request.method, name))
    if page is None:
        known = ", ".join(f"{method} /_sandbox/{page}" for method, page in PAGES)
        return reply({"error": f"There is no {request.method} {request.path}. There is: {known}"}, 404)
    if isinstance(page, str):
        module, _, function = page.partition(":")
        page = getattr(importlib.import_module(f"sandbox.{module}"), function)
    try:
        answered = page(sandbox, request)
        return answered if isinstance(answered, Response) else reply(answered, 200)
    except (ValueError, TypeError, KeyError, AwsError) as error:
        return reply({"error": f"{type(error).__name__}: {error}"}, 400)


def reply(body: Any, status: int) -> Response:
    return Response(json.dumps(body, default=str), status, content_type="application/json")
