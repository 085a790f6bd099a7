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

import asyncio
import importlib
import inspect
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional
from urllib.parse import quote

from .core.errors import MoonfleetError
from .export_handler import PATH as EXPORT_PATH
from .export_handler import export_handler
from .instance import remote_list
from .instance.host import HostClasses
from .instance.jsonrpc import Params, RpcError
from .instance.manager import VirtualPrinters
from .instance.printer import VirtualPrinter
from .instance.web_camera import camera_handler
from .instance.web_request import rest_handler, upload_handler
from .instance.web_socket import socket_class

if TYPE_CHECKING:
    from .fleet import Fleet
    from .merged_history import MergedHistory

logger = logging.getLogger("moonfleet")

MAX_BODY_SIZE = 50 << 20  # as on Moonraker's own port; uploads stream and need none
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
    "stream": ("writing", "write", "write_to_fd", "closed"),
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
        iostream = importlib.import_module("tornado.iostream")
        classes = HostClasses(
            web_socket=websockets.WebSocket,
            request_handler=application.AuthorizedRequestHandler,
            router=application.MutableRouter,
            http_server=httpserver.HTTPServer,
            stream=iostream.IOStream,
            stream_closed=iostream.StreamClosedError,
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


def install_export(server: Any, history: MergedHistory) -> Optional[str]:
    """Stream the history as a file; the reason when this Moonraker does not let us."""
    try:
        classes = probe(server)
    except AdapterFault as fault:
        return str(fault)
    app = server.lookup_component("application")
    handler = export_handler(
        classes.request_handler, classes.http_error, classes.stream_closed, history
    )
    app.mutable_router.add_handler(f"{app.route_prefix}{EXPORT_PATH}", handler, {})
    return None


class Installation:
    """The ways to the virtual printers: routes of Moonraker, and a port of its own where wanted."""

    def __init__(self, server: Any, fleet: Fleet, history: Any, classes: HostClasses) -> None:
        self.server = server
        self.classes = classes
        self.history = history
        self.app = server.lookup_component("application")
        self.base = f"{self.app.route_prefix}{BASE}"
        self.rest = rest_handler(classes)
        self.upload = upload_handler(classes, self.rest)
        self.camera = camera_handler(classes)
        database = server.lookup_component("database")
        # forbidden: only the virtual printers themselves show what is in it
        self.space = database.register_local_namespace(NAMESPACE, forbidden=True)
        self._ports: dict[str, Any] = {}
        self._sockets: dict[str, Any] = {}
        self._closing: set[asyncio.Future[None]] = set()
        self._listening = False
        self.virtual = VirtualPrinters(fleet, self._make, self._unmake)
        self.virtual.start()
        self._add_rest(self.app.mutable_router, f"{self.base}/(?P<printer>[^/]+)", None)
        server.register_endpoint(
            "/server/moonfleet/mainsail", ["GET", "POST", "DELETE"], self._mainsail
        )
        for event in ("authorization:user_logged_out", "authorization:user_deleted"):
            server.register_event_handler(event, self._user_gone)

    def _add_rest(self, router: Any, prefix: str, only: Optional[str]) -> None:
        arguments = {"printers": self.virtual.printers, "only": only}
        router.add_handler(f"{prefix}/camera/(?P<path>stream|snapshot)", self.camera, arguments)
        router.add_handler(f"{prefix}/(?P<path>server/files/upload)", self.upload, arguments)
        # the first match serves: sockets of printers that come later stand behind this one
        router.add_handler(f"{prefix}/(?P<path>(?!websocket$).*)", self.rest, arguments)

    async def component_init(self) -> None:
        """Moonraker serves from now on, and so do the printers' own ports."""
        self._listening = True
        for name in self.virtual.printers:
            self._listen(name)

    async def close(self) -> None:
        while self._ports:
            _, http = self._ports.popitem()
            http.stop()
            await http.close_all_connections()
        await self.virtual.close()

    # ---- one printer comes or goes ----------------------------------------------------------

    def _make(self, name: str) -> VirtualPrinter:
        async def save(namespace: str, values: Mapping[str, Any]) -> None:
            await self.space.insert([name, namespace], dict(values))

        virtual = VirtualPrinter(
            self.virtual.fleet,
            self.virtual.fleet.printer(name),
            save=save,
            history=self.history,
            base=self.base,
            version=str(self.server.get_app_args().get("software_version", "?")),
        )
        self._load(virtual)
        self._sockets[name] = socket_class(self.classes, virtual)
        self.app.mutable_router.add_handler(self._pattern(name), self._sockets[name], None)
        if self._listening:
            self._listen(name)
        return virtual

    def _unmake(self, virtual: VirtualPrinter) -> None:
        self.app.mutable_router.remove_handler(self._pattern(virtual.name))
        self._sockets.pop(virtual.name, None)
        http = self._ports.pop(virtual.name, None)
        if http is not None:
            http.stop()  # at once: a printer that was changed opens the same port again
            task = asyncio.ensure_future(http.close_all_connections())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _pattern(self, name: str) -> str:
        return f"{self.base}/{quote(name)}/websocket"

    def _load(self, virtual: VirtualPrinter) -> None:
        """What interfaces stored for it; at start at once, later as soon as it is read."""

        def take(future: Any) -> None:
            if future.exception() is not None:
                logger.error("%s: stored settings could not be read", virtual.name)
            elif isinstance(future.result(), dict):
                virtual.overlay.restore(future.result())

        future = self.space.get([virtual.name], {})
        if future.done():
            take(future)
        else:
            future.add_done_callback(take)

    def _user_gone(self, user: Mapping[str, Any]) -> None:
        if "username" in user:
            self.virtual.user_gone(str(user["username"]))

    # ---- Mainsail's own list of printers ----------------------------------------------------

    async def _mainsail(self, web_request: Any) -> dict[str, Any]:
        """GET: which printers are in the list; POST ``hostname``, ``port``: add; DELETE: remove."""
        database = self.server.lookup_component("database")
        place = [*remote_list.KEY]
        existing = await database.get_item(remote_list.NAMESPACE, place, {})
        names = list(self.virtual.printers)
        action = web_request.get_action().upper()
        if action == "POST":
            try:
                entries = remote_list.wanted(Params(web_request.get_args()), names, self.base)
            except RpcError as fault:
                raise self.server.error(fault.message) from fault
            if await database.get_item(remote_list.NAMESPACE, None, None) is None:
                # a namespace made by us would keep Mainsail from its first-run defaults
                raise self.server.error("Open Mainsail once on this host first", 409)
            for key, entry in remote_list.additions(existing, entries).items():
                await database.insert_item(remote_list.NAMESPACE, [*place, key], entry)
        elif action == "DELETE":
            for key in remote_list.ours(existing, names, self.base):
                await database.delete_item(remote_list.NAMESPACE, [*place, key])
        existing = await database.get_item(remote_list.NAMESPACE, place, {})
        listed = set(remote_list.ours(existing, names, self.base))
        return {"listed": [name for name in names if remote_list.entry_id(name) in listed]}

    # ---- a port of its own ------------------------------------------------------------------

    def _listen(self, name: str) -> None:
        """For clients that know only host and port; authorization is the same."""
        port = self.virtual.fleet.printer(name).settings.virtual_port
        if port is None:
            return
        router = self.classes.router(self.app.mutable_router.application)
        router.add_handler("/websocket", self._sockets[name], None)
        self._add_rest(router, "", name)
        self._add_rest(router, f"{self.base}/{quote(name)}", name)  # webcams have full paths
        trusts_headers = getattr(self.app, "use_xheaders", True)
        http = self.classes.http_server(
            router, xheaders=trusts_headers, max_body_size=MAX_BODY_SIZE
        )
        host = str(getattr(self.server, "host", "0.0.0.0"))
        try:
            http.listen(port, "" if host.lower() == "all" else host)
        except OSError as fault:
            text = (
                f"[moonfleet {name}]: virtual_port: {port} cannot be opened: {fault.strerror}; "
                "choose a free port"
            )
            self.server.add_warning(text, f"moonfleet_port_{name}")
            return
        self._ports[name] = http
