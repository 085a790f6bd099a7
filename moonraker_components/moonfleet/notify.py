# Status news for every connected client: only what changed, at most four times a second
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Turns changes into the ``notify_moonfleet_status_update`` diffs of docs/external_api.md."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Callable, Optional

from .fleet import Change, Fleet

INTERVAL = 0.25  # s
NESTED = ("snapshot", "heaters")  # inside these only the changed keys are sent


class StatusFeed:
    """The first change goes out at once, what follows within the interval goes out together."""

    def __init__(self, fleet: Fleet, emit: Callable[[dict[str, Any], float], None]) -> None:
        self._fleet = fleet
        self._emit = emit
        self._told: dict[str, dict[str, Any]] = {}
        self._dirty: set[str] = set()
        self._timer: Optional[asyncio.TimerHandle] = None
        self._last = float("-inf")
        self._removers = (fleet.listen(self._changed), fleet.listen_members(self._member))

    def close(self) -> None:
        for remove in self._removers:
            remove()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _changed(self, change: Change) -> None:
        self._mark(change.printer)

    def _member(self, name: str, present: bool) -> None:
        """A printer that has gone is told as null, one that came with everything."""
        self._told.pop(name, None)
        self._mark(name)

    def _mark(self, name: str) -> None:
        self._dirty.add(name)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            wait = max(0.0, self._last + INTERVAL - loop.time())
            self._timer = loop.call_later(wait, self._flush)

    def _flush(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        names, self._dirty = self._dirty, set()
        news: dict[str, Any] = {}
        for name in names:
            if name not in self._fleet.names():
                news[name] = None
                continue
            now = self._fleet.printer(name).to_json()
            diff = difference(self._told.get(name, {}), now)
            self._told[name] = now
            if diff:
                news[name] = diff
        if news:
            self._emit(news, self._fleet.monotonic())


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The changed top-level keys; a mere sign of life in ``connection`` is no news."""
    diff: dict[str, Any] = {}
    for key, value in now.items():
        old = before.get(key)
        if old == value and key in before:
            continue
        if key in NESTED and isinstance(old, dict):
            diff[key] = {k: v for k, v in value.items() if k not in old or old[k] != v}
        elif key == "connection" and isinstance(old, dict) and _quiet(old) == _quiet(value):
            continue
        else:
            diff[key] = value
    return diff


def _quiet(connection: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in connection.items() if key != "last_report"}
