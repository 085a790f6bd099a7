# The only imports of Moonraker's handler classes, behind a probe
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Sockets and HTTP handlers of the virtual printers.

Moonraker's websocket and request classes are no public interface. ``probe`` checks everything that
is used of them; where something does not fit, virtual printers are off with one clear warning and
the rest of the house runs on.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional
from urllib.parse import quote

from .core.errors import MoonfleetError
from .instance.host import HostClasses
from .instance.manager import VirtualPrinters
from .instance.printer import VirtualPrinter
from .instance.web_request import rest_handler, upload_handler
from .instance.web_socket import socket_class

if TYPE_CHECKING:
    from .fleet import Fleet

logger = logging.getLogger("moonfleet")

BASE = "/websocket/moonfleet"  # stock nginx passes websocket and HTTP here, and only here
NAMESPACE = "moonfleet_virtual"


class AdapterFault(MoonfleetError):
    """Moonraker's classes are not what this adapter was written for."""


_METHODS = {
    "web_socket": (
        *("initialize", "open", "on_message", "on_close", "prepare", "check_origin", "close"),
        *("queue_message", "authenticate", "on_user_logout", "connection_count"),
        *("uid", "need_auth", "identified", "client_data", "_process_message"),
    ),
    "request_handler": ("initialize", "prepare", "set_default_headers", "options", "write_error"),
    "router": ("add_handler", "remove_handler", "get_target_delegate"),
}


def probe(server: Any) -> HostClasses:
    """The classes, checked; ``AdapterFault`` says what is missing."""
    try:
        application = importlib.import_module("moonraker.components.application")
        websockets = importlib.import_module("moonraker.components.websockets")
        utils = importlib.import_module("moonraker.utils")
        web = importlib.import_module("tornado.web")
        httpserver = importlib.import_module("tornado.httpserver")
        classes = HostClasses(
            web_socket=websockets.WebSocket,
            request_handler=application.AuthorizedRequestHandler,
            router=application.MutableRouter,
            http_server=httpserver.HTTPServer,
            http_error=web.HTTPError,
            stream_request_body=web.stream_request_body,
            server_error=utils.ServerError,
            parse_ip_address=utils.parse_ip_address,
        )
    except (ImportError, AttributeError) as fault:
        raise AdapterFault(f"this Moonraker lacks something they need: {fault}") from fault
    for name, needed in _METHODS.items():
        missing = [word for word in needed if not hasattr(getattr(classes, name), word)]
        if missing:
            raise AdapterFault(f"Moonraker's {name} class lacks {', '.join(missing)}")
    app = server.lookup_component("application", None)
    if not all(hasattr(app, word) for word in ("mutable_router", "route_prefix")):
        raise AdapterFault("Moonraker's application lacks mutable_router or route_prefix")
    rpc = server.lookup_component("jsonrpc", None)
    if not all(hasattr(rpc, word) for word in ("process_object", "get_method")):
        raise AdapterFault("Moonraker's jsonrpc lacks process_object or get_method")
    authorization = server.lookup_component("authorization", None)
    if authorization is None:
        raise AdapterFault("Moonraker's authorization component is not loaded")
    if not inspect.iscoroutinefunction(getattr(authorization, "authenticate_request", None)):
        raise AdapterFault("Moonraker's authorization lacks authenticate_request")
    return classes


def install_virtual_printers(server: Any, fleet: Fleet, history: Any = None) -> Optional[str]:
    """Make every bridged printer of ``fleet`` a virtual Moonraker; the reason when it cannot be.

    Call it in the component's ``__init__``: what interfaces stored is read synchronously there.
    """
    try:
        classes = probe(server)
    except AdapterFault as fault:
        return str(fault)
    # registered, so that Moonraker closes it with everything else
    server.register_component("moonfleet_virtual", Installation(server, fleet, history, classes))
    return None


class Installation:
    def __init__(self, server: Any, fleet: Fleet, history: Any, classes: HostClasses) -> None:
        self.server = server
        self.classes = classes
        self.history = history
        self.app = server.lookup_component("application")
        self.base = f"{self.app.route_prefix}{BASE}"
        database = server.lookup_component("database")
        # forbidden: only the virtual printers themselves show what is in it
        self.space = database.register_local_namespace(NAMESPACE, forbidden=True)
        self.virtual = VirtualPrinters(fleet, self._make)
        self.ports: list[Any] = []
        rest = rest_handler(classes)
        self._rest = rest
        self.virtual.start()
        arguments = {"printers": self.virtual.printers}
        router = self.app.mutable_router
        upload = upload_handler(classes, rest)
        router.add_handler(
            f"{self.base}/(?P<printer>[^/]+)/(?P<path>server/files/upload)", upload, arguments
        )
        router.add_handler(f"{self.base}/(?P<printer>[^/]+)/(?P<path>.*)", rest, arguments)
        for event in ("authorization:user_logged_out", "authorization:user_deleted"):
            server.register_event_handler(event, self._user_gone)

    def _make(self, name: str) -> VirtualPrinter:
        async def save(namespace: str, values: Mapping[str, Any]) -> None:
            await self.space.insert([name, namespace], dict(values))

        virtual = VirtualPrinter(
            self.virtual.fleet,
            self.virtual.fleet.printer(name),
            stored=self._stored(name),
            save=save,
            history=self.history,
            version=str(self.server.get_app_args().get("software_version", "?")),
        )
        socket = socket_class(self.classes, virtual)
        pattern = f"{self.base}/{quote(name)}/websocket"
        self.app.mutable_router.add_handler(pattern, socket, None)
        return virtual

    def _stored(self, name: str) -> Mapping[str, Any]:
        try:
            stored = self.space.get([name], {}).result()
        except Exception:
            logger.exception("virtual printer %s: stored settings could not be read", name)
            return {}
        return stored if isinstance(stored, dict) else {}

    def _user_gone(self, user: Mapping[str, Any]) -> None:
        if "username" in user:
            self.virtual.user_gone(str(user["username"]))

    async def close(self) -> None:
        await self.virtual.close()
