# Klipper's API-server socket of the stand-in host
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""JSON separated by 0x03 on a unix socket: what Moonraker and every other client speaks."""

from __future__ import annotations

import json
import logging
import os
import pathlib
import socket
import sys
from typing import Any, Callable, Optional

from .objects import WebRequestError

LOG = logging.getLogger("klippy_host")
REFRESH = 0.25  # klippy's subscription tick
MAX_REQUEST = 1 << 20
MAX_BACKLOG = 16 << 20


class WebRequest:
    error = WebRequestError

    def __init__(self, client: Client, text: bytes) -> None:
        message = json.loads(text)
        if not isinstance(message, dict):
            raise ValueError("Not a top-level dictionary")
        self.client = client
        self.id = message.get("id")
        self.method = message.get("method")
        self.params = message.get("params", {})
        if not isinstance(self.method, str) or not isinstance(self.params, dict):
            raise ValueError("Invalid request type")
        self.response: Any = None

    def get_client_connection(self) -> Client:
        return self.client

    def get_method(self) -> str:
        return self.method

    def get(self, name: str, default: Any = WebRequestError, kinds: Any = None) -> Any:
        value = self.params.get(name, default)
        if value is WebRequestError:
            raise WebRequestError(f"Missing Argument [{name}]")
        if kinds is not None and name in self.params and not isinstance(value, kinds):
            raise WebRequestError(f"Invalid Argument Type [{name}]")
        return value

    def get_str(self, name: str, default: Any = WebRequestError) -> Any:
        return self.get(name, default, str)

    def get_int(self, name: str, default: Any = WebRequestError) -> Any:
        return self.get(name, default, int)

    def get_float(self, name: str, default: Any = WebRequestError) -> Any:
        return float(self.get(name, default, (int, float)))

    def get_dict(self, name: str, default: Any = WebRequestError) -> Any:
        return self.get(name, default, dict)

    def send(self, data: Any) -> None:
        if self.response is not None:
            raise WebRequestError("Multiple calls to send not allowed")
        self.response = data


class Client:
    def __init__(self, server: ApiServer, sock: socket.socket) -> None:
        self.server = server
        self.reactor = server.reactor
        self.sock = sock
        self.incoming = b""
        self.outgoing = b""
        self.closed = False
        self.subscription: dict[str, Optional[list[str]]] = {}
        self.template: dict[str, Any] = {}
        self.reactor.register_fd(sock, self._on_ready)

    def is_closed(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.reactor.unregister_fd(self.sock)
            self.sock.close()
            self.server.forget(self)

    def send(self, message: dict[str, Any]) -> None:
        if self.closed:
            return
        self.outgoing += json.dumps(message, separators=(",", ":")).encode() + b"\x03"
        if len(self.outgoing) > MAX_BACKLOG:
            LOG.warning("closing an API client that does not read")
            self.close()
            return
        self._flush()

    def _flush(self) -> None:
        try:
            sent = self.sock.send(self.outgoing)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self.outgoing = self.outgoing[sent:]
        self.reactor.want_write(self.sock, self._on_ready, bool(self.outgoing))

    def _on_ready(self, eventtime: float) -> None:
        if self.outgoing:
            self._flush()
            if self.closed:
                return
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        *requests, self.incoming = (self.incoming + data).split(b"\x03")
        if len(self.incoming) > MAX_REQUEST:
            LOG.warning("closing an API client whose request does not end")
            self.close()
            return
        for text in requests:
            try:
                request = WebRequest(self, text)
            except (ValueError, RecursionError):
                LOG.warning("webhooks: error decoding a request")
                continue
            self.reactor.register_callback(lambda e, request=request: self._process(request))

    def _process(self, request: WebRequest) -> None:
        answer: dict[str, Any] = {}
        try:
            handler = self.server.hooks._endpoints.get(request.method)
            if handler is None:
                raise WebRequestError(f"No registered callback for path '{request.method}'")
            handler(request)
            answer["result"] = request.response if request.response is not None else {}
        except (WebRequestError, self.server.printer.command_error) as err:
            answer["error"] = {"error": "WebRequestError", "message": str(err)}
        except Exception as err:
            message = f"Internal Error on WebRequest: {request.method}"
            LOG.exception(message)
            answer["error"] = {"error": type(err).__name__, "message": str(err)}
            self.server.printer.invoke_shutdown(message)
        if request.id is not None:
            self.send({"id": request.id, **answer})


class ApiServer:
    def __init__(self, printer: Any, path: pathlib.Path) -> None:
        self.printer = printer
        self.reactor = printer.get_reactor()
        self.hooks = printer.lookup_object("webhooks")
        self.path = path
        self.clients: list[Client] = []
        self.output: dict[Client, dict[str, Any]] = {}
        self.last: dict[str, dict[str, Any]] = {}
        path.unlink(missing_ok=True)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.sock.bind(str(path))
        self.sock.listen(5)
        self.reactor.register_fd(self.sock, self._accept)
        self.reactor.register_timer(self._refresh, self.reactor.NOW)
        printer.lookup_object("gcode").register_output_handler(self._on_output)
        printer.register_event_handler("klippy:disconnect", self.close)
        for name, handler in self._endpoints().items():
            self.hooks.register_endpoint(name, handler)

    def _endpoints(self) -> dict[str, Callable]:
        gcode = self.printer.lookup_object("gcode")
        return {
            "info": self._info,
            "list_endpoints": lambda r: r.send({"endpoints": list(self.hooks._endpoints)}),
            "emergency_stop": lambda r: self.printer.invoke_shutdown(
                "Shutdown due to webhooks request"
            ),
            "register_remote_method": self._register_remote_method,
            "gcode/help": lambda r: r.send(gcode.get_command_help()),
            "gcode/script": lambda r: gcode.run_script(r.get_str("script")),
            "gcode/restart": lambda r: gcode.run_script("RESTART"),
            "gcode/firmware_restart": lambda r: gcode.run_script("FIRMWARE_RESTART"),
            "gcode/subscribe_output": lambda r: self.output.__setitem__(
                r.get_client_connection(), r.get_dict("response_template", {})
            ),
            "objects/list": self._list,
            "objects/query": self._query,
            "objects/subscribe": self._subscribe,
        }

    def close(self) -> None:
        for client in list(self.clients):
            client.close()
        self.reactor.unregister_fd(self.sock)
        self.sock.close()
        self.path.unlink(missing_ok=True)

    def forget(self, client: Client) -> None:
        if client in self.clients:
            self.clients.remove(client)
        self.output.pop(client, None)

    def _accept(self, eventtime: float) -> None:
        try:
            sock, _ = self.sock.accept()
        except OSError:
            return  # the client has gone again
        sock.setblocking(False)
        self.clients.append(Client(self, sock))

    def _on_output(self, text: str) -> None:
        for client, template in list(self.output.items()):
            client.send({**template, "params": {"response": text}})

    # -- endpoints
    def _info(self, request: WebRequest) -> None:
        message, state = self.printer.get_state_message()
        args = self.printer.get_start_args()
        request.send(
            {
                "state": state,
                "state_message": message,
                "hostname": socket.gethostname(),
                "klipper_path": args.get("klipper_path"),
                "python_path": sys.executable,
                "process_id": os.getpid(),
                "user_id": os.getuid(),
                "group_id": os.getgid(),
                **{
                    key: args.get(key)
                    for key in ("log_file", "config_file", "software_version", "cpu_info")
                },
            }
        )

    def _register_remote_method(self, request: WebRequest) -> None:
        template = request.get_dict("response_template")
        client = request.get_client_connection()
        self.hooks.remote_methods[request.get_str("remote_method")] = lambda params: client.send(
            {**template, "params": params}
        )

    def _list(self, request: WebRequest) -> None:
        names = [n for n, o in self.printer.lookup_objects() if hasattr(o, "get_status")]
        request.send({"objects": names})

    @staticmethod
    def _wanted(request: WebRequest) -> dict[str, Optional[list[str]]]:
        wanted = request.get_dict("objects")
        for keys in wanted.values():
            if keys is not None and not (
                isinstance(keys, list) and all(isinstance(key, str) for key in keys)
            ):
                raise WebRequestError("Invalid argument")
        return dict(wanted)

    def _status_of(self, name: str, eventtime: float) -> dict[str, Any]:
        obj = self.printer.lookup_object(name, None)
        if obj is None or not hasattr(obj, "get_status"):
            return {}
        with self.reactor.assert_no_pause():
            return obj.get_status(eventtime)

    def _collect(
        self, wanted: dict[str, Optional[list[str]]], eventtime: float
    ) -> dict[str, dict[str, Any]]:
        result = {}
        for name, keys in wanted.items():
            status = self._status_of(name, eventtime)
            if keys is None and status:
                keys = wanted[name] = list(status)
            result[name] = {key: status.get(key) for key in keys or ()}
        return result

    def _query(self, request: WebRequest) -> None:
        now = self.reactor.monotonic()
        request.send({"eventtime": now, "status": self._collect(self._wanted(request), now)})

    def _subscribe(self, request: WebRequest) -> None:
        client = request.get_client_connection()
        wanted = self._wanted(request)
        now = self.reactor.monotonic()
        status = self._collect(wanted, now)
        client.template = request.get_dict("response_template", {})
        client.subscription = wanted
        for name in wanted:
            self.last.setdefault(name, self._status_of(name, now))
        request.send({"eventtime": now, "status": status})

    def _refresh(self, eventtime: float) -> float:
        """One tick for all clients; an object that returns an equal value sends nothing."""
        current: dict[str, dict[str, Any]] = {}
        for client in list(self.clients):
            diff: dict[str, dict[str, Any]] = {}
            for name, keys in client.subscription.items():
                if name not in current:
                    current[name] = self._status_of(name, eventtime)
                before, now = self.last.get(name, {}), current[name]
                if keys is None and now:
                    keys = client.subscription[name] = list(now)
                changed = {k: now.get(k) for k in keys or () if now.get(k) != before.get(k)}
                if changed:
                    diff[name] = changed
            if diff:
                params = {"eventtime": eventtime, "status": diff}
                client.send({**client.template, "params": params})
        self.last = current
        return eventtime + REFRESH
