# JSON-RPC 2.0 as Moonraker speaks it: errors, parameters, encoding
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure. Codes are Moonraker's: -32601 unknown method or thing, -32602 bad or missing parameter or
"Unauthorized", otherwise the HTTP status."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Optional

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
NOT_FOUND = -32601
INVALID_PARAMS = -32602


class RpcError(Exception):
    """A request that is answered with an error object; ``message`` is one sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def http_status(self) -> int:
        if self.code == NOT_FOUND:
            return 404
        if self.code == INVALID_PARAMS:
            return 401 if self.message == "Unauthorized" else 400
        return self.code if 400 <= self.code < 600 else 400


def not_found(what: str) -> RpcError:
    return RpcError(NOT_FOUND, what)


def bad_params(what: str) -> RpcError:
    return RpcError(INVALID_PARAMS, what)


class Params:
    """Typed reading of request parameters; a wrong type is an error that names the parameter."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def text(self, name: str, default: Optional[str] = None) -> str:
        value = self.values.get(name, default)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise bad_params(f"parameter '{name}' must be a text")
        return value

    def integer(self, name: str, default: int, minimum: int, maximum: int) -> int:
        value = self.values.get(name, default)
        if isinstance(value, str):
            try:
                value = int(value)
            except ValueError:
                value = None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
            raise bad_params(f"parameter '{name}' must be a whole number")
        return int(min(max(value, minimum), maximum))

    def number(self, name: str) -> Optional[float]:
        value = self.values.get(name)
        if value is None:
            return None
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise bad_params(f"parameter '{name}' must be a number") from None
        if not math.isfinite(number):
            raise bad_params(f"parameter '{name}' must be a finite number")
        return number

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.values.get(name, default)
        if isinstance(value, str):
            return value.strip().lower() in ("1", "true", "yes")
        return bool(value)

    def mapping(self, name: str) -> Mapping[str, Any]:
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise bad_params(f"parameter '{name}' must be an object")
        return value


def encode(message: Any) -> bytes:
    """Compact JSON; a number that JSON cannot say becomes null rather than a broken frame."""
    try:
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(finite(message), separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace")


def finite(value: Any) -> Any:
    """The same data with NaN and infinities replaced by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [finite(item) for item in value]
    return value


def result(request_id: Any, value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "result": value, "id": request_id}


def error(request_id: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message}, "id": request_id}


def notification(method: str, params: Sequence[Any]) -> bytes:
    return encode({"jsonrpc": "2.0", "method": method, "params": list(params)})
