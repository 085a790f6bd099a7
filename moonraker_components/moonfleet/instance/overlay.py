# Database namespaces of one virtual printer, laid over nothing of the host's
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure. What an interface stores for a virtual printer stays with that printer.

``defaults`` are what a namespace shows before anybody changed it; stored values lie over them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any, Optional, Union

from .jsonrpc import RpcError, bad_params, not_found

MAX_NAMESPACES = 16
MAX_NAMESPACE_BYTES = 512 * 1024
MAX_DEPTH = 32

Key = Union[None, str, list[str]]


class Overlay:
    def __init__(
        self, defaults: Mapping[str, Any], stored: Optional[Mapping[str, Any]] = None
    ) -> None:
        self.defaults = dict(defaults)
        self.stored: dict[str, dict[str, Any]] = {}
        self.restore(stored or {})

    def restore(self, stored: Mapping[str, Any]) -> None:
        """What was stored in an earlier life; what has been stored since stays."""
        kept = {name: value for name, value in stored.items() if isinstance(value, dict)}
        self.stored = {**kept, **self.stored}

    def namespaces(self) -> list[str]:
        return sorted(set(self.defaults) | set(self.stored))

    def get(self, namespace: str, key: Any) -> Any:
        """The value, a fresh copy; an unknown namespace or key is an error, as in Moonraker."""
        if namespace not in self.defaults and namespace not in self.stored:
            raise not_found(f"Namespace '{namespace[:60]}' not found")
        value: Any = _merged(self.defaults.get(namespace, {}), self.stored.get(namespace, {}))
        for part in _parts(key):
            if not isinstance(value, dict) or part not in value:
                raise not_found(f"Key '{_show(key)}' in namespace '{namespace[:60]}' not found")
            value = value[part]
        return value

    def set(self, namespace: str, key: Any, value: Any) -> None:
        parts = _parts(key)
        if not parts:
            raise bad_params("parameter 'key' is needed")
        known = namespace in self.stored or namespace in self.defaults
        if not known and len(self.namespaces()) >= MAX_NAMESPACES:
            raise RpcError(403, f"This printer has room for {MAX_NAMESPACES} namespaces")
        draft = copy.deepcopy(self.stored.get(namespace, {}))
        place = draft
        for part in parts[:-1]:
            inner = place.get(part)
            if not isinstance(inner, dict):
                inner = place[part] = {}
            place = inner
        place[parts[-1]] = copy.deepcopy(value)
        if len(json.dumps(draft)) > MAX_NAMESPACE_BYTES:
            raise RpcError(413, f"Namespace '{namespace[:60]}' would exceed 512 kB")
        self.stored[namespace] = draft

    def delete(self, namespace: str, key: Any) -> Any:
        """Remove what was stored and return it; a default cannot be removed, it shows again."""
        value = self.get(namespace, key)
        parts = _parts(key)
        if not parts:
            raise bad_params("parameter 'key' is needed")
        draft = copy.deepcopy(self.stored.get(namespace, {}))
        place: Any = draft
        for part in parts[:-1]:
            place = place.get(part) if isinstance(place, dict) else None
        if isinstance(place, dict) and place.pop(parts[-1], None) is not None:
            self.stored[namespace] = draft
        return value


def _parts(key: Any) -> list[str]:
    if key is None or key == "":
        return []
    parts = key.split(".") if isinstance(key, str) else key
    if (
        not isinstance(parts, list)
        or len(parts) > MAX_DEPTH
        or not all(isinstance(part, str) and part for part in parts)
    ):
        raise bad_params("parameter 'key' must be a text with dots or a list of texts")
    return parts


def _show(key: Any) -> str:
    return (key if isinstance(key, str) else ".".join(_parts(key)))[:60]


def _merged(lower: Any, upper: Any) -> Any:
    if isinstance(lower, dict) and isinstance(upper, dict):
        merged = {name: copy.deepcopy(value) for name, value in lower.items()}
        for name, value in upper.items():
            merged[name] = _merged(lower.get(name), value) if name in lower else value
        return copy.deepcopy(merged)
    return copy.deepcopy(upper)
