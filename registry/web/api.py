"""What answers ``/v2/``: finds the endpoint, asks whether it may, and never raises.

Read next: ``blobs.py``, ``uploads.py``, ``manifests.py``, ``problem.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.logger import Logger

from registry.auth.authenticator import Authenticator, Challenged
from registry.core.errors import (
    NoRoom,
    RegistryError,
    Unavailable,
    Unsupported,
)
from registry.core.name import ANY_NAME, NameLimits, RepositoryName
from registry.core.route import Kind, Route, parse_route
from registry.core.scope import needed_access
from registry.repository.damage import Damaged
from registry.storage.driver import StorageFailure, StorageFull, StorageGone
from registry.web.body import BodyBroken, BodyTooLarge
from registry.web.problem import failure, problem, refusal
from registry.web.request import Request
from registry.web.response import Response, header_lines

Endpoint = Callable[[Request, Route], Awaitable[Response]]
Endpoints = Mapping[Kind, Mapping[str, Endpoint]]
"""For every kind of route, its endpoints by method."""

READING = ("GET", "HEAD")
PUSHING = ("POST", "PATCH", "PUT")
PLANS = 8192
"""Distinct requests whose route is remembered; more, and all are worked out again."""

PLANNED = 512
"""Bytes of the longest path that is remembered: no valid request has a longer one."""

Plan = tuple[Endpoint, Route]


class Api:
    """The registry's API on HTTP."""

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        authenticator: Authenticator | None,
        ailments: Callable[[], Mapping[str, str]],
        prefix: str,
        is_readonly: bool,
        name_limits: NameLimits = ANY_NAME,
    ) -> None:
        self._endpoints = endpoints
        self._authenticator = authenticator
        self._ailments = ailments
        self._prefix = len(prefix) - 1
        self._is_readonly = is_readonly
        self._name_limits = name_limits
        self._plans: dict[tuple[str, bytes], Plan] = {}
        self._log = Logger()

    async def respond(self, request: Request) -> Response:
        """The response to ``request``, whatever happens."""
        try:
            return await self._respond(request)
        except Challenged as error:
            return problem(error, ("WWW-Authenticate", error.challenge))
        except Unavailable as error:
            message = f"{error.message} (request {request.id})"
            return failure(503, message, request.id, error.code, error.detail)
        except RegistryError as error:
            return problem(error)
        except BodyTooLarge as error:
            return refusal(413, str(error), code="SIZE_INVALID")
        except BodyBroken as error:
            return refusal(408, str(error), code=error.code)
        except StorageFailure as error:
            return self._storage_failed(request, error)
        except Exception:  # noqa: BLE001 - the edge: nothing is above it to tell the client
            self._log.failure("failed to answer", **_named(request))
            return _to_report(500, "the registry failed", request)

    def _storage_failed(self, request: Request, error: StorageFailure) -> Response:
        status, told = 503, "the registry's storage failed"
        logged = "storage failed: {error}"
        if isinstance(error, StorageFull):
            status, logged = 507, "storage is full: {error}"
            told = NoRoom.summary
        elif isinstance(error, StorageGone):
            told = "the registry's storage is gone; ask its operator to put it back"
        elif isinstance(error, Damaged):
            logged, told = "storage is damaged: {error}", error.told
        self._log.error(logged, error=error, **_named(request))
        return _to_report(status, told, request)

    async def _respond(self, request: Request) -> Response:
        ailments = self._ailments()
        if ailments:
            raise Unavailable(detail=dict(ailments))
        path = request.target.partition(b"?")[0]
        plan = self._plans.get((request.method, path))
        if plan is None:
            found = self._plan(request)
            if isinstance(found, Response):
                return found
            plan = found
            self._remember(request.method, path, plan)
        endpoint, route = plan
        if self._authenticator is not None:
            await self._admit(request, route, self._authenticator)
        return await endpoint(request, route)

    def _remember(self, method: str, path: bytes, plan: Plan) -> None:
        if len(path) > PLANNED:
            return
        if len(self._plans) >= PLANS:
            self._plans.clear()
        self._plans[method, path] = plan

    def _plan(self, request: Request) -> Plan | Response:
        """The endpoint for ``request``, or the answer of one that has none."""
        route = parse_route(request.path[self._prefix :])
        if route is None:
            return refusal(
                404,
                "there is nothing at this path; repositories are below /v2/<name>/",
                code="UNSUPPORTED",
            )
        methods = self._endpoints[route.kind]
        if self._is_readonly:
            methods = {m: e for m, e in methods.items() if m in READING}
        allow = ("Allow", ", ".join([*methods, "OPTIONS"]))
        if request.method == "OPTIONS":
            return Response(200, header_lines(allow))
        endpoint = methods.get(request.method)
        if endpoint is None:
            return problem(self._unsupported(request.method), allow)
        if request.method in PUSHING and route.name is not None:
            self._name_limits.check_name(route.name)
        return endpoint, route

    def _unsupported(self, method: str) -> Unsupported:
        if self._is_readonly and method not in READING:
            return Unsupported("the registry is read-only now; try again later")
        return Unsupported(f"{method} is not supported here")

    async def _admit(
        self, request: Request, route: Route, authenticator: Authenticator
    ) -> None:
        source = request.parameter("from")
        access = needed_access(
            request.method,
            route.kind,
            route.name,
            RepositoryName(source) if source else None,
        )
        request.principal = await authenticator.admit(
            request.header(b"authorization"), access
        )


def _named(request: Request) -> dict[str, Any]:
    """The field of a log line by which a request is found, as Distribution calls it."""
    return {"http.request.id": request.id}


def _to_report(status: int, message: str, request: Request) -> Response:
    """The answer to a request that the log has a line about."""
    told = f"{message}; see {request.id} in its log"
    return failure(status, told, request.id)
