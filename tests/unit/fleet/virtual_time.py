# A loop whose clock jumps to the next timer, and a database that answers at once
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Hours of a fleet in a second, with all its real timers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import pathlib
import selectors
from collections.abc import Coroutine
from typing import Any, Callable, Optional

from tests.unit.history.provider import Database


class _Jumping(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    now = 0.0

    def select(self, timeout: Optional[float] = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return float(self._jumping.now)


def play(work: Callable[[VirtualLoop], Coroutine[Any, Any, None]]) -> None:
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(work(loop))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _AtOnce:
    """What a pool of one thread does, on the caller's."""

    def submit(self, work: Callable[..., Any], *args: Any) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(work(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self) -> None:
        """Nothing runs."""


class PromptDatabase(Database):
    def __init__(self, path: pathlib.Path) -> None:
        self._thread: Any = _AtOnce()
        self.path = path
        self.connection = self._connect()
        self.longest = 0.0
        self.commits = 0
        self.fault = None
