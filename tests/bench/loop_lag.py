# How late an event loop wakes up
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Two uses of one gauge: inside a Moonraker, as a module of ``bridge_modules`` (the file that
MOONFLEET_LAG names gets a line for every wake-up), and in a bare loop of a process apart as the
control: ``python -m tests.bench.loop_lag --seconds 10``."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from typing import Callable

PAUSE = 0.01  # s between two wake-ups


class Gauge:
    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[float, float], None]):
        """``tell(moment, seconds late)``."""
        self._loop, self._tell = loop, tell
        self._next(loop.time())

    def _next(self, now: float) -> None:
        self._loop.call_at(now + PAUSE, self._awake, now + PAUSE)

    def _awake(self, due: float) -> None:
        now = self._loop.time()
        self._tell(time.monotonic(), now - due)
        self._next(now)


def samples(path: str, since: float) -> list[float]:
    """Milliseconds late, of the wake-ups after a moment of ``time.monotonic``."""
    found = []
    with open(path) as lines:
        for line in lines:
            moment, late = line.split()
            if float(moment) >= since:
                found.append(float(late) * 1000.0)
    return found


async def bare(seconds: float) -> list[float]:
    found: list[float] = []
    Gauge(asyncio.get_running_loop(), lambda moment, late: found.append(late * 1000.0))
    await asyncio.sleep(seconds)
    return found


if "MOONFLEET_LAG" in os.environ and __name__ != "__main__":
    _file = open(os.environ["MOONFLEET_LAG"], "w", buffering=1)  # noqa: SIM115 - for ever
    Gauge(asyncio.get_event_loop(), lambda moment, late: print(moment, late, file=_file))

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    for value in asyncio.run(bare(parser.parse_args().seconds)):
        print(value)
