"""The one door: every request is recognised, logged, checked, authorised and answered here, by an operation of ours or by moto's."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import io
import logging
import socket
import threading
import urllib.parse
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from botocore import xform_name
from botocore.model import OperationNotFoundError
from moto.backend_index import backend_url_patterns
from moto.core.base_backend import AccountSpecificBackend, BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.request import Request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from sandbox import services
from sandbox.core import access, calls, faults, paging, permissions, wire
from sandbox.core.clock import Clock
from sandbox.core.wire import AwsError

if TYPE_CHECKING:
    from sandbox.live.engine import Engine

MOTO = {service.replace("-", ""): service for service, _ in backend_url_patterns}  # which moto has, by their names without hyphens
log = logging.getLogger("sandbox")

Answer = dict[str, Any] | Response | None
Handler = Callable[["Call"], Answer]
StateT = TypeVar("StateT", bound="State")


class State:
    """What one service keeps for one account in one region; it goes when the sandbox is reset or ends."""

    def __init__(self, sandbox: Sandbox, account: str, region: str) -> None:
        self.sandbox, self.account, self.region = sandbox, account, region

    @property
    def clock(self) -> Clock:
        return self.sandbox.clock

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def invoke(self, service: str, operation: str, /, principal: access.Principal | None = None, **params: Any) -> dict[str, Any]:
        """Call another service, as one of AWS's own (which may do anything) or as the principal."""
        as_aws = access.Principal(f"arn:aws:iam::{self.account}:root", self.account)
        return self.sandbox.invoke(service, operation, params, region=self.region, principal=principal or as_aws)


class Call:
    """One request: what is asked, by whom, and the means to answer it."""

    def __init__(self, sandbox: Sandbox, request: Request, scope: wire.Scope, principal: access.Principal) -> None:
        self.sandbox, self.request, self.principal = sandbox, request, principal
        self.service, self.region, self.account = scope.service, scope.region, principal.account
        services.load(scope.service)
        self.owner = principal.account  # of what the request is about
        self.operation, self.path_params = wire.operation_of(scope.service, request)
        self.params: dict[str, Any] = {}
        self.id = str(uuid.uuid4())

    @property
    def clock(self) -> Clock:
        return self.sandbox.clock

    def parse(self) -> None:
        """Read and check the parameters; S3's bodies are streams, and its parameters are checked by moto."""
        if self.service == "s3" or self.request.content_encoding == "gzip":
            self.params = {**self.request.args, **self.path_params}
        else:
            try:
                self.params = wire.parse(self.service, self.operation, self.request, self.path_params)
            except OperationNotFoundError:
                raise AwsError("InvalidAction", f"Could not find operation {self.operation}", 400) from None
            wire.check_request(self.service, self.operation, self.params)
        self.owner = permissions.owner(self)

    def state(self, kind: type[StateT], region: str | None = None) -> StateT:
        return self.sandbox.state(kind, self.account, region or self.region)

    def forward(self) -> Response:
        """moto's answer to the request as it came."""
        environ = {**self.request.environ, "wsgi.input": io.BytesIO(self.request.get_data()), "HTTP_X_MOTO_ACCOUNT_ID": self.owner}
        return self.sandbox.ask_moto(self.service, environ)

    def ask(self, **changes: Any) -> dict[str, Any]:
        """moto's answer as a dictionary, to the parameters as they came or with changes; its error is raised."""
        if changes:
            given = {key: value for key, value in {**self.params, **changes}.items() if value is not None}
            environ = self.sandbox.environ(self.service, self.operation, given, self.region, self.principal)
            response = self.sandbox.ask_moto(self.service, {**environ, "HTTP_X_MOTO_ACCOUNT_ID": self.owner})
        else:
            response = self.forward()
        return wire.read(self.service, self.operation, response)

    def invoke(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """Call another service on behalf of AWS itself, in the caller's account and region."""
        return State(self.sandbox, self.account, self.region).invoke(service, operation, **params)


# moto looks a service's regions up anew for each account, and keeps what it emptied (up to 128 accounts) to remember them by.
regions_of = functools.cache(functools.partial(AccountSpecificBackend._generate_regions.__wrapped__, None))
AccountSpecificBackend._generate_regions = lambda _, service: regions_of(service)

HANDLERS: dict[tuple[str, str], Handler] = {}


def operation(service: str, name: str | None = None) -> Callable[[Handler], Handler]:
    """Register a function as the operation of its name, as boto3 spells that: ``create_environment`` is ``CreateEnvironment``."""

    def register(handler: Handler) -> Handler:
        HANDLERS[service, xform_name(name or handler.__name__)] = handler
        return handler

    return register


class Sandbox:
    """The WSGI application. One request at a time: moto's backends are plain dictionaries."""

    def __init__(self) -> None:
        self.started = datetime.datetime.now(datetime.UTC)
        self.mode, self.url = "control", ""
        self.live: Engine | None = None  # what runs for real, in the live mode
        self.url_inside = ""  # where containers find the sandbox
        self.lock = threading.RLock()
        self.clock, self.faults, self.calls = Clock(), faults.Faults(), calls.Calls()
        self.places: set[tuple[str, str]] = set()  # accounts and regions that were spoken to
        self.services: set[str] = set()  # and services
        self._states: dict[tuple[type, str, str], State] = {}
        self._asked: set[str] = set()
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.path.startswith("/_sandbox"):
            from sandbox.core import control  # noqa: PLC0415 control imports the services, which import this module

            response = control.answer(self, request)
        else:
            response = self.serve(request)
            if response is None:  # its client learns nothing: https://werkzeug.palletsprojects.com/en/stable/serving/
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                raise ConnectionResetError
        return response(environ, start_response)

    def state(self, kind: type[StateT], account: str, region: str) -> StateT:
        key = (kind, account, region)
        if key not in self._states:
            self._states[key] = kind(self, account, region)
        return self._states[key]  # type: ignore[return-value]

    def asked_for(self, what: str) -> bool:
        """Whether somebody asked for this before: what is new is not seen everywhere at once."""
        before = what in self._asked
        self._asked.add(what)
        return before

    def states(self, kind: type[StateT]) -> list[StateT]:
        return [state for (known, _, _), state in self._states.items() if known is kind]

    def reset(self) -> None:
        """Forget everything, as a new sandbox would."""
        with self.lock:
            BackendDict.reset()
            reset_model_data()
            self._states.clear()
            self.places.clear()
            self.services.clear()
            self._asked.clear()
            self.clock.clear()
            self.clock.set("none", 1)
            self.faults.set([], 0)
            self.calls.clear()
            if self.live:
                self.live.clear()

    def serve(self, request: Request) -> Response | None:
        """Answer one request of AWS's API; None where a fault takes the connection away."""
        request.get_data()  # moto reads the body again
        scope = wire.Scope.of(request)
        if scope is None:  # a presigned or public request of the oldest kind: moto finds out
            with self.lock:
                return self.ask_moto(None, {**request.environ, "wsgi.input": io.BytesIO(request.get_data())})
        with self.lock:
            principal = request.environ.get("sandbox.principal") or access.principal_of(scope.access_key)
            if not principal.internal:  # what is called from inside is part of a step that is being done
                self.clock.run_due()
            try:
                call = Call(self, request, scope, principal)
            except OperationNotFoundError:
                return Response(f"No service is called {scope.service!r}.", 501)
            self.places.add((call.account, call.region))
            self.services.add(call.service)
            entry = self.calls.enter(call.service, call.operation or "", principal.arn)
            fault = None if principal.internal else self.faults.strike(call.service, entry.operation)
            if fault == "drop":
                return None
            response = self.finish(call, fault)
            entry.status = response.status_code
        return None if fault == "lost" else response

    def finish(self, call: Call, fault: str | None) -> Response:
        """Answer a call, or write down why not."""
        try:
            result = self.work(call, fault)
        except AwsError as error:
            result = error
        except NotImplementedError as error:
            log.warning("%s %s: %s", call.service, call.operation, error)
            result = AwsError("NotImplemented", f"The sandbox has no {call.service} {call.operation} (docs/sandbox.md).", 501)
        except Exception as error:
            log.exception("%s %s", call.service, call.operation)
            result = AwsError("InternalFailure", f"The sandbox failed in {call.service} {call.operation}: {error!r}", 500)
        return result if isinstance(result, Response) else wire.write(call.service, call.operation, call.request, result, call.id)

    def work(self, call: Call, fault: str | None) -> dict[str, Any] | Response:
        if fault == "throttle":
            raise faults.throttled(call.service, wire.protocol_of(call.service))
        if fault == "error":
            raise faults.broken()
        if call.operation is None:
            return call.forward()
        call.parse()
        access.authorise(call)
        handler = HANDLERS.get((call.service, xform_name(call.operation)))
        if handler is None:
            return call.forward()
        answer = handler(call)
        if isinstance(answer, Response):
            return answer
        answer = paging.page(call, answer or {})
        wire.check_answer(call.service, call.operation, answer)
        return answer

    def ask_moto(self, service: str | None, environ: dict[str, Any]) -> Response:
        """The answer of moto's service, or of the one that moto makes out."""
        if service is None:
            return Response.from_app(self._moto, environ, buffered=True)
        name = MOTO.get(service.replace("-", ""))
        if name is None:
            raise NotImplementedError(service)
        if name not in self._moto.app_instances:
            self._moto.app_instances[name] = create_backend_app(name)
        return Response.from_app(self._moto.app_instances[name], environ, buffered=True)

    def invoke(self, service: str, name: str, params: dict[str, Any], *, region: str, principal: access.Principal) -> dict[str, Any]:
        """A call from inside: the same door, no network."""
        environ = self.environ(service, name, params, region, dataclasses.replace(principal, internal=True))
        return wire.read(service, name, self.serve(Request(environ)))

    def environ(self, service: str, name: str, params: dict[str, Any], region: str, principal: access.Principal) -> dict[str, Any]:
        """The WSGI environment of a request for an operation."""
        http = wire.http_request(service, name, params)
        body = urllib.parse.urlencode(http["body"]) if isinstance(http["body"], dict) else http["body"]
        path, _, flag = http["url_path"].partition("?")  # S3's operations on one path differ by such a flag: /bucket?versioning
        scope = f"{principal.access_key}/20260101/{region}/{wire.service_model(service).signing_name}/aws4_request"
        signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"}
        builder = EnvironBuilder(
            method=http["method"],
            path=path,
            query_string={flag: "", **http["query_string"]} if flag else http["query_string"],
            headers={**http["headers"], **signed},
            data=body or b"",
            base_url=self.url,
        )
        return {**builder.get_environ(), "sandbox.principal": principal}
