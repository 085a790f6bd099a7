# The HTTP twin of a virtual printer's methods
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Authorization and CORS are Moonraker's; the base class is handed in by ``moonraker_adapter``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from ..core.errors import one_line
from .http import file_refusal, method_of, parameters
from .jsonrpc import RpcError, encode
from .router import MAX_MESSAGE
from .web_socket import rpc_error

if TYPE_CHECKING:
    from .host import HostClasses
    from .printer import VirtualPrinter


def rest_handler(classes: HostClasses) -> Any:
    class VirtualRequest(classes.request_handler):  # type: ignore[name-defined,misc]
        """The HTTP twin of every method; ``access/...`` is answered by Moonraker itself."""

        need_auth = False  # `prepare` has seen to it; asked by the router

        def initialize(
            self, printers: Mapping[str, VirtualPrinter], only: Optional[str] = None
        ) -> None:
            """``only``: the printer of a port of its own, where no path names it."""
            super().initialize()
            self.printers = printers
            self.only = only

        async def prepare(self) -> None:
            # who may ask for access/... is known only when the method is
            self.auth_required = not self._is_access(self.path_kwargs.get("path"))
            await super().prepare()

        @staticmethod
        def _is_access(path: Any) -> bool:
            return isinstance(path, str) and path.startswith("access/")

        async def delegate(self, request: Mapping[str, Any]) -> None:
            raise RpcError(404, "Use access/... over HTTP")

        async def get(self, path: str, printer: str = "") -> None:
            await self._serve("GET", self.only or printer, path)

        async def post(self, path: str, printer: str = "") -> None:
            await self._serve("POST", self.only or printer, path)

        async def delete(self, path: str, printer: str = "") -> None:
            await self._serve("DELETE", self.only or printer, path)

        def options(self, *args: Any, **kwargs: Any) -> None:
            super().options(*args, **kwargs)

        async def _serve(self, verb: str, printer: str, path: str) -> None:
            try:
                if len(self.request.body) > MAX_MESSAGE:
                    raise RpcError(413, "A request body has at most 1 MiB")
                virtual = self.printers.get(printer)
                if virtual is None:
                    raise RpcError(404, f"No printer named '{printer[:40]}'")
                if path == "server/jsonrpc" and verb == "POST":
                    self._reply(await virtual.router.dispatch(self.request.body, self))
                    return
                refusal = file_refusal(verb, path, printer)
                if refusal is not None:
                    raise refusal
                result = await self._result(verb, virtual, path)
            except RpcError as fault:
                self._fail(fault)
                return
            self._reply(encode({"result": result}))

        async def _result(self, verb: str, virtual: VirtualPrinter, path: str) -> Any:
            rpc = self.server.lookup_component("jsonrpc")
            known = rpc.methods if self._is_access(path) else virtual.router.handlers
            method = method_of(verb, path, known)
            query = {key: self.get_query_argument(key) for key in self.request.query_arguments}
            values = parameters(
                method, query, self.request.body, self.request.headers.get("Content-Type", "")
            )
            if not self._is_access(path):
                return await virtual.router.call(method, values, self)
            return await self._access(rpc, method, values)

        async def _access(self, rpc: Any, method: str, values: Mapping[str, Any]) -> Any:
            found = rpc.get_method(method)
            if found is None or not method.startswith("access."):
                raise RpcError(404, "Method not found")
            request_type, definition = found
            if definition.auth_required and self.current_user is None:
                raise RpcError(401, "Unauthorized")
            try:
                return await definition.request(
                    dict(values),
                    request_type,
                    None,
                    classes.parse_ip_address(self.request.remote_ip or ""),
                    self.current_user,
                )
            except (classes.server_error, classes.http_error) as fault:
                raise rpc_error(fault) from fault

        def _reply(self, body: Optional[bytes]) -> None:
            self.set_header("Content-Type", "application/json; charset=UTF-8")
            self.finish(body)

        def _fail(self, fault: RpcError) -> None:
            """As Moonraker says it; set here because its own way needs an exception and logs."""
            self.set_status(fault.http_status, one_line(fault.message))
            error = {"code": fault.http_status, "message": fault.message}
            self._reply(encode({"error": error}))

    return VirtualRequest


def upload_handler(classes: HostClasses, rest: Any) -> Any:
    @classes.stream_request_body
    class VirtualUpload(rest):  # type: ignore[misc]
        """Refused before the file's bytes are read into memory."""

        async def prepare(self) -> None:
            await super().prepare()
            if self.request.method != "OPTIONS":
                name = one_line(str(self.path_kwargs.get("printer"))[:40])
                reason = f"Files for {name} are managed on the printer itself"
                raise classes.http_error(501, reason=reason)

        def data_received(self, chunk: bytes) -> None:
            """Never wanted: `prepare` has refused."""

    return VirtualUpload
