# How soon a printer's trouble is named, and how soon all is right again, on the clock
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.bambu_faults``: the fault matrix with the windows of real life.

Every printer of the matrix prints, gets one fault, is watched until its status names it, is mended,
and is watched until its state is right again. All run side by side; about three minutes.
"""

from __future__ import annotations

import asyncio
import pathlib
import sys
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any, Callable, Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in (ROOT, ROOT / "moonraker_components"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from moonfleet.bridges.bambu.timing import Timing  # noqa: E402
from moonfleet.bridges.base import Link  # noqa: E402
from moonfleet.core.model import PrintState  # noqa: E402

from tests.bridges.bambu.helpers import RecordingHost, make_bridge  # noqa: E402
from tests.emulators.bambu import EmulatedBambu  # noqa: E402

NAMED_LIMIT = 90.0  # s from the fault to the sentence
RIGHT_LIMIT = 10.0  # s from the next successful connect to the right state
PATIENCE = 240.0  # s; the longest back-off is 60 s, that of refused credentials 75 s and more


@dataclass(frozen=True)
class Case:
    name: str
    word: str  # what the sentence must say
    drops: bool = False  # the connection breaks when the fault begins
    away: bool = False  # the printer is not on the network


CASES = (
    Case("silent", "report"),
    Case("reject_all", "access code", drops=True),
    Case("full", "close other programs", drops=True),
    Case("raw_garbage", "", drops=True),
    Case("oversized", "", drops=True),
    Case("offline", "closed", away=True),
)


@dataclass
class Outcome:
    named: Optional[float] = None
    right: Optional[float] = None
    sentence: str = ""
    lines: int = 0


async def when(condition: Callable[[], Any], limit: float) -> Optional[float]:
    """Seconds until it holds, or None."""
    clock = asyncio.get_running_loop().time
    began = clock()
    while clock() - began < limit:
        if condition():
            return clock() - began
        await asyncio.sleep(0.02)
    return None


async def run(case: Case) -> Outcome:
    printer = EmulatedBambu("P1S", speed=200.0, job_seconds=1_000_000.0)
    host, outcome = RecordingHost(case.name), Outcome()
    timing = replace(Timing(), search=0.0)  # nobody announces itself on this network
    bridge = make_bridge(printer, host, timing) if await printer.start() else None
    assert bridge is not None
    printer.start_job("Benchy")
    await bridge.start()
    try:
        await when(lambda: host.snapshot.stage == "printing", 60.0)
        said = len(host.connections)

        def told() -> bool:
            state = host.connections[-1]
            named = state.state is not Link.ONLINE and state.message and case.word in state.message
            return bool(named) and len(host.connections) > said

        await _begin(case, printer)
        outcome.named = await when(told, NAMED_LIMIT * 1.5)
        outcome.sentence = host.message
        outcome.right = await _mend(case, printer, host)
        outcome.lines = len(host.connections) - said
    finally:
        await bridge.stop()
        await printer.stop()
    return outcome


async def _begin(case: Case, printer: EmulatedBambu) -> None:
    if case.away:
        await printer.offline()
        return
    setattr(printer.faults, case.name, True)
    if case.drops:
        printer.drop_clients()


async def _mend(case: Case, printer: EmulatedBambu, host: RecordingHost) -> Optional[float]:
    """Seconds from the next connect that succeeds to a right state."""
    if case.away:
        await printer.online()
    else:
        setattr(printer.faults, case.name, False)
    seen, connects = len(host.snapshots), printer.server.connects
    await when(lambda: printer.server.connects > connects and printer.server.clients, PATIENCE)
    return await when(
        lambda: (
            host.link is Link.ONLINE
            and len(host.snapshots) > seen
            and host.snapshot.state is PrintState.PRINTING
        ),
        RIGHT_LIMIT * 2,
    )


async def matrix() -> int:
    work: list[Awaitable[Outcome]] = [run(case) for case in CASES]
    outcomes = await asyncio.gather(*work)
    missed = 0
    print(
        f"{'fault':<12} {'named after':>12} {'limit':>6} {'right after':>12} {'limit':>6}  sentence"
    )
    for case, found in zip(CASES, outcomes):
        good = (
            found.named is not None
            and found.named <= NAMED_LIMIT
            and found.right is not None
            and found.right <= RIGHT_LIMIT
        )
        missed += not good
        print(
            f"{case.name:<12} {_s(found.named):>12} {NAMED_LIMIT:>4.0f} s {_s(found.right):>12}"
            f" {RIGHT_LIMIT:>4.0f} s  {found.sentence[:70]}{'' if good else '   MISS'}"
        )
    return 1 if missed else 0


def _s(seconds: Optional[float]) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"


if __name__ == "__main__":
    sys.exit(asyncio.run(matrix()))
