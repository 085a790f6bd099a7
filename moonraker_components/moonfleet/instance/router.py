# Method table of a virtual printer: who may call, what is refused, what is unknown
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: one parsed JSON-RPC object in, one reply object out.

An unknown method is an error, never an empty success: interfaces take ``{}`` for "this works".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Callable, Optional, Protocol, Union

from ..core.errors import MoonfleetError
from .jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    NOT_FOUND,
    PARSE_ERROR,
    Params,
    RpcError,
    encode,
    error,
    result,
)

logger = logging.getLogger(__name__)

MAX_MESSAGE = 1024 * 1024  # bytes; the largest honest message is an interface's stored layout
MAX_BATCH = 256  # Mainsail asks for the metadata of a whole folder in one batch


class Caller(Protocol):
    """Who asks: a websocket client or one HTTP request."""

    @property
    def need_auth(self) -> bool: ...

    async def delegate(self, request: Mapping[str, Any]) -> Optional[dict[str, Any]]:
        """Have the host's Moonraker answer (``access.*`` only)."""


@dataclass(frozen=True)
class Request:
    method: str
    params: Params
    caller: Any  # a Caller; methods that need a websocket client check for one


Handler = Callable[[Request], Awaitable[Any]]

#: answered by Moonraker itself, with its own rules on who may ask
DELEGATED = "access."
#: may be asked before the caller has shown who it is
OPEN_METHODS = frozenset({"server.connection.identify"})

#: would reach the host, its files or its databases
HOST_PREFIXES = (
    "machine.",
    "server.restart",
    "server.logs.",
    "server.extensions.",
    "server.notifiers.",
    "server.mqtt.",
    "server.moonfleet.",
    "server.jsonrpc",
    "debug.",
    "server.database.compact",
    "server.database.post_backup",
    "server.database.delete_backup",
    "server.database.restore",
)


class Router:
    def __init__(self, printer: str, handlers: Mapping[str, Handler]) -> None:
        self.printer = printer
        self.handlers = dict(handlers)
        self.unknown: dict[str, int] = {}  # method -> times asked, for the support bundle

    async def dispatch(self, data: Union[str, bytes], caller: Caller) -> Optional[bytes]:
        """Answer one websocket message or POST body; None when there is nothing to say."""
        if len(data) > MAX_MESSAGE:
            return encode(error(None, INVALID_REQUEST, "Message larger than 1 MiB"))
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            return encode(error(None, PARSE_ERROR, "Parse error"))
        if isinstance(message, list):
            if not message or len(message) > MAX_BATCH:
                text = f"A batch has 1 to {MAX_BATCH} requests, this one has {len(message)}"
                return encode(error(None, INVALID_REQUEST, text))
            answers = [await self.answer(item, caller) for item in message]
            replies = [reply for reply in answers if reply is not None]
            return encode(replies) if replies else None
        reply = await self.answer(message, caller)
        return None if reply is None else encode(reply)

    async def answer(self, request: Any, caller: Caller) -> Optional[dict[str, Any]]:
        """The reply to one request object; None for a notification (no ``id``)."""
        if not isinstance(request, dict):
            return error(None, INVALID_REQUEST, "Invalid Request")
        request_id = request.get("id")
        if isinstance(request_id, (dict, list)):
            request_id = None
        method = request.get("method")
        if request.get("jsonrpc") != "2.0" or not isinstance(method, str):
            return error(request_id, INVALID_REQUEST, "Invalid Request")
        params = request.get("params")
        if params is None or params == []:
            params = {}
        if not isinstance(params, dict):
            return error(request_id, INVALID_PARAMS, "Invalid params: an object is expected")
        if method.startswith(DELEGATED):
            return await caller.delegate(request)
        try:
            value = await self.call(method, params, caller)
        except RpcError as fault:
            return error(request_id, fault.code, fault.message)
        if "id" not in request:
            return None
        return result(request_id, value)

    async def call(self, method: str, params: Mapping[str, Any], caller: Caller) -> Any:
        """Run a method; every fault comes out as an ``RpcError``."""
        if caller.need_auth and method not in OPEN_METHODS:
            raise RpcError(INVALID_PARAMS, "Unauthorized")
        handler = self.handlers.get(method)
        if handler is None:
            raise self._no_handler(method)
        try:
            value = await handler(Request(method, Params(params), caller))
        except RpcError:
            raise
        except MoonfleetError as fault:
            code = NOT_FOUND if fault.status == 404 else fault.status
            raise RpcError(code, str(fault)) from fault
        except Exception as fault:
            logger.exception("virtual printer %s: '%s' failed", self.printer, method[:80])
            raise RpcError(500, f"'{method}' failed: {type(fault).__name__}") from fault
        if value is None:  # Fluidd attaches a property to results and throws on null
            return "ok"
        return value

    def _no_handler(self, method: str) -> RpcError:
        if method.startswith(HOST_PREFIXES):
            return RpcError(
                403,
                f"'{method[:80]}' acts on the host and is never passed on by the virtual printer "
                f"'{self.printer}'; use the host's own Moonraker",
            )
        if len(self.unknown) < 200:
            self.unknown[method[:80]] = self.unknown.get(method[:80], 0) + 1
        return RpcError(NOT_FOUND, "Method not found")
