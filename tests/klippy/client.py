# A small client of Klipper's API socket
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""JSON and 0x03, as Moonraker speaks it; used by the tests of the host's socket."""

from __future__ import annotations

import json
import pathlib
import socket
import time
from typing import Any, Callable, Optional

LIMIT = 60.0


class KlippyClient:
    def __init__(self, path: pathlib.Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT)
        self.sock.connect(str(path))
        self.buffer = b""
        self.pushed: list[dict[str, Any]] = []
        self.answers: dict[int, dict[str, Any]] = {}
        self.number = 0

    def close(self) -> None:
        self.sock.close()

    def send(self, method: str, **params: Any) -> int:
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        self.sock.sendall(json.dumps(message).encode() + b"\x03")
        return self.number

    def read(self) -> None:
        """Take one message from the socket."""
        while b"\x03" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("the host closed the socket")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\x03", 1)
        message = json.loads(text)
        if "id" in message:
            self.answers[message["id"]] = message
        else:
            self.pushed.append(message)

    def answer(self, number: int) -> dict[str, Any]:
        while number not in self.answers:
            self.read()
        return self.answers.pop(number)

    def call(self, method: str, **params: Any) -> Any:
        answer = self.answer(self.send(method, **params))
        assert "error" not in answer, answer
        return answer["result"]

    def fail(self, method: str, **params: Any) -> str:
        answer = self.answer(self.send(method, **params))
        return answer["error"]["message"]

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + LIMIT
        while True:
            found = condition()
            if found:
                return found
            assert time.monotonic() < end, f"not in time: {what}"
            self.read()

    def status(self, name: str) -> Any:
        return self.call("objects/query", objects={name: None})["status"][name]


def poll(condition: Callable[[], Any], what: str, limit: float = LIMIT) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.05)


def connect(path: pathlib.Path, limit: float = LIMIT) -> KlippyClient:
    """Connect as soon as the host listens and is ready."""
    end = time.monotonic() + limit
    error: Optional[Exception] = None
    while time.monotonic() < end:
        try:
            client = KlippyClient(path)
            if client.call("info")["state"] != "startup":
                return client
            client.close()
        except OSError as err:  # not there yet, or a host that is just restarting
            error = err
        time.sleep(0.05)
    raise AssertionError(f"no ready host at {path}: {error}")
