# Printing hours with random faults: no job lost, none doubled, no command executed twice
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bridges.bambu.soak --hours 30``: emulated printers work through real sockets,
the fleet writes down their jobs, and the two books are compared. ``test_soak.py`` runs a short one.

Physics and print length run ``SPEED`` times faster; the protocol keeps real time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import pathlib
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Optional

ROOT = pathlib.Path(__file__).resolve().parents[3]
for _folder in (ROOT, ROOT / "moonraker_components", ROOT / "klippy_extras"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from moonfleet.bridges.bambu.bridge import BambuBridge  # noqa: E402
from moonfleet.bridges.base import PrinterSettings  # noqa: E402
from moonfleet.core.commands import Action, Command  # noqa: E402
from moonfleet.core.errors import MoonfleetError  # noqa: E402
from moonfleet.core.secret import Secret  # noqa: E402
from moonfleet.fleet import Fleet  # noqa: E402

from tests.bridges.bambu.helpers import QUICK, until  # noqa: E402
from tests.emulators.bambu import EmulatedBambu  # noqa: E402

SPEED = 1200.0
JOB_SECONDS = 7200.0
MODELS = ("P1S", "X1C", "H2D", "A1 mini")


class Memory:
    """A store that forgets nothing while the process lives."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], Optional[str]] = {}
        self.jobs: dict[str, Any] = {}

    async def load_text(self, printer: str, key: str) -> Optional[str]:
        return self.texts.get((printer, key))

    async def store_text(self, printer: str, key: str, value: Optional[str]) -> None:
        self.texts[(printer, key)] = value

    async def load_open_jobs(self) -> dict[str, Any]:
        return {}

    def save_open_job(self, printer: str, job: Any) -> None:
        self.jobs[printer] = job


@dataclass
class Book:
    """What really happened, and what was written down."""

    real: dict[str, str] = field(default_factory=dict)  # job name -> how it ended
    hidden: set[str] = field(default_factory=set)  # ended while nobody could see it
    written: dict[str, list[str]] = field(default_factory=dict)  # name -> final statuses
    lines: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    stops_sent: int = 0
    stops_received: int = 0

    def faults(self) -> list[str]:
        found = []
        for name, ending in self.real.items():
            statuses = self.written.get(name, [])
            allowed = {ending}
            if name in self.hidden:
                # an end that nobody saw, or whose reason was lost, but never a false success
                allowed |= {"interrupted"} | ({"error"} if ending == "cancelled" else set())
            if len(statuses) != 1:
                found.append(f"{name}: {ending}, written {statuses}")
            elif statuses[0] not in allowed:
                found.append(f"{name}: {ending}, written as {statuses[0]}")
        for name in self.written.keys() - self.real.keys():
            found.append(f"{name}: written, but never printed")
        if self.stops_received > self.stops_sent:
            found.append(f"{self.stops_received} stops received, {self.stops_sent} sent")
        if sum(self.lines.values()) > self.changes:
            found.append(f"{sum(self.lines.values())} log lines for {self.changes} changes")
        return found


class _Lines(logging.Handler):
    def __init__(self, book: Book) -> None:
        super().__init__(logging.WARNING)
        self._book = book

    def emit(self, record: logging.LogRecord) -> None:
        self._book.lines[record.getMessage()] += 1


BLIND: dict[str, float] = {}  # printer -> when its reports were last disturbed
END_WINDOW = 4.0  # seconds in which a disturbance may hide an end
CODE_WINDOW = 12.0  # an end and its cancel code, which may come before or after


async def _work(printer: EmulatedBambu, fleet: Fleet, name: str, book: Book, end: float) -> None:
    """Somebody prints one job after another, and sometimes stops one."""
    rng = random.Random(name)
    count = 0
    while time.monotonic() < end:
        count += 1
        job = f"{name}-{count}"
        await until(lambda: not printer.machine.busy)
        await asyncio.sleep(1.0)
        printer.start_job(job)
        plan = rng.random()
        if plan < 0.15:
            await _running(printer)
            try:
                book.stops_sent += 1
                await fleet.command(name, Command(Action.CANCEL), "soak")
            except MoonfleetError:
                book.stops_sent -= 1
                printer.machine.stop()
        elif plan < 0.25:
            await _running(printer)
            printer.machine.stop()
        elif plan < 0.35:
            await _running(printer)
            printer.machine.fail(0x03008004)
        elif plan < 0.5:
            await _running(printer)
            printer.machine.pause()
            await asyncio.sleep(0.8)
            printer.machine.resume()
        await until(lambda: not printer.machine.busy and printer.machine.job is not None, 120.0)
        state, echo = printer.machine.state, plan < 0.25
        if state == "FINISH":
            book.real[job] = "completed"
        else:
            book.real[job] = "cancelled" if echo else "error"
        # the end, and the code that explains it, must have had their time before the next start
        await asyncio.sleep(2.0 if state == "FINISH" else 6.0)
        window = END_WINDOW if state == "FINISH" else CODE_WINDOW
        if not printer.server.clients or time.monotonic() - BLIND.get(name, 0.0) < window:
            book.hidden.add(job)


async def _running(printer: EmulatedBambu) -> None:
    await until(lambda: printer.machine.state == "RUNNING", 120.0)
    await asyncio.sleep(2.5)  # a whole run within one outage could not be known to anybody


async def _trouble(printer: EmulatedBambu, name: str, seed: int, end: float) -> None:
    faults, rng = printer.faults, random.Random(f"{seed}{name}")
    while time.monotonic() < end:
        await asyncio.sleep(rng.uniform(2.0, 20.0))
        BLIND[name] = time.monotonic()
        kind = rng.choice(("drop", "offline", "garbage", "silent", "big", "acks", "raw", "stopped"))
        if kind == "drop":
            printer.drop_clients()
        elif kind == "offline":
            await printer.offline()
            await asyncio.sleep(rng.uniform(0.1, 0.8))
            await printer.online()
        elif kind == "garbage":
            faults.garbage = not faults.garbage
        elif kind == "big":
            faults.big_pushes = not faults.big_pushes
        elif kind == "acks":
            faults.no_acks = not faults.no_acks
        elif kind == "stopped":
            faults.stopped = True
        elif kind == "raw":
            faults.raw_garbage = True
            printer.drop_clients()
            await asyncio.sleep(0.3)
            faults.raw_garbage = False
        else:
            faults.silent = True
            await asyncio.sleep(rng.uniform(0.2, 1.0))
            faults.silent = False
        BLIND[name] = time.monotonic()


async def soak(hours: float, seed: int = 1) -> Book:
    """``hours`` of printing, shared by all models; a fault every second or two."""
    book, memory = Book(), Memory()
    fleet = Fleet(memory)
    logger = logging.getLogger("moonfleet")
    handler = _Lines(book)
    logger.addHandler(handler)
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    printers = {}
    for model in MODELS:
        name = model.replace(" ", "-")
        printer = EmulatedBambu(
            model, speed=SPEED, job_seconds=JOB_SECONDS, push_interval=0.2, port=0
        )
        printers[name] = await printer.start()
        options = {"serial": printer.serial, "access_code": Secret(printer.access_code)}
        fleet.add(
            PrinterSettings(
                name=name,
                type="bambu",
                display_name=model,
                host=printer.host,
                port=printer.port,
                options={**options, "model": None},
            ),
            lambda settings, host: BambuBridge(settings, host, QUICK),
        )

    def job(record: Any, action: str) -> None:
        if record.status != "in_progress":
            statuses = book.written.setdefault(str(record.name), [])
            if action == "updated" and statuses:
                statuses.pop()
            statuses.append(record.status)

    def change(news: Any) -> None:
        book.changes += bool(news.connection_changed)

    fleet.listen_jobs(job)
    fleet.listen(change)
    try:
        await fleet.start()
        await until(lambda: all(fleet.printer(name).online for name in printers))
        begin = time.monotonic()
        wall = hours * 3600.0 / SPEED / len(MODELS)
        tasks = [
            asyncio.ensure_future(_work(printer, fleet, name, book, begin + wall))
            for name, printer in printers.items()
        ]
        worry = [
            asyncio.ensure_future(_trouble(printer, name, seed, begin + wall))
            for name, printer in printers.items()
        ]
        await asyncio.gather(*tasks)
        for task in worry:
            task.cancel()
        await asyncio.gather(*worry, return_exceptions=True)
        for printer in printers.values():
            printer.faults.silent = printer.faults.stopped = printer.faults.garbage = False
            if not printer.server.port or not printer.server.is_open:
                await printer.online()
        await until(lambda: all(fleet.printer(name).online for name in printers), 60.0)
        # an unexplained end waits for its cancel code
        with contextlib.suppress(AssertionError):  # `faults` tells what is missing
            await until(lambda: len(book.written) >= len(book.real), 25.0)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
        await fleet.stop()
        for printer in printers.values():
            book.stops_received += printer.commands().count("stop")
            await printer.stop()
    return book


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    book = asyncio.run(soak(arguments.hours, arguments.seed))
    print(f"{len(book.real)} jobs: {dict(Counter(book.real.values()))}, {len(book.hidden)} unseen")
    print(f"{book.changes} changes of connections, {sum(book.lines.values())} log lines")
    faults = book.faults()
    for fault in faults:
        print(f"MISS {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
