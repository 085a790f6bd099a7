# 100,000 jobs in five years: what a question costs, and how long it holds the database
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.history [--jobs N] [--keep FILE]``

Every figure stands beside its limit; exit status 1 when one is missed. "holds" is the longest that
a single callback kept the one database thread which all of Moonraker shares: the worst of all
rounds in processor time (a busy machine that gives the thread no turn is not our query), and in
brackets the middle round's by the clock on the wall, which includes the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pathlib
import random
import sqlite3
import sys
import tempfile
import time
import tracemalloc
from dataclasses import replace
from typing import Any, Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "moonraker_components"))

from moonfleet.core.jobs_record import JobRecord  # noqa: E402
from moonfleet.history import History, writer  # noqa: E402

from tests.unit.history.provider import Database, TableDefinition  # noqa: E402

START = 1_600_000_000.0
YEAR = 365 * 86400.0
PRINTERS = 10
WORDS = ("bracket", "Benchy", "vase", "gear", "clip", "mount", "box", "lid", "hook", "knob")
HOLD = 30.0  # ms
PAGE = 50.0
STATISTICS = 150.0
REPEATS = 5


class Watch(Database):
    """Remembers how long each callback held the thread."""

    worked = 0.0  # s of processor time

    def _call(self, callback: Callable[[sqlite3.Connection], Any]) -> Any:
        began, working = time.perf_counter(), time.thread_time()
        try:
            return super()._call(callback)
        finally:
            self.longest = max(self.longest, time.perf_counter() - began)
            self.worked = max(self.worked, time.thread_time() - working)


def made_up(count: int) -> list[JobRecord]:
    rng = random.Random(7)
    records = []
    for n in range(count):
        start = START + 5 * YEAR * n / count + rng.uniform(0, 60)
        length = rng.lognormvariate(8.3, 0.9)
        name = f"{rng.choice(WORDS)} {rng.choice(WORDS)} {rng.randrange(1000)}"
        if n % 25_000 == 12_345:
            name = "unicorn"
        slots = tuple(
            {
                "unit": 0,
                "slot": s,
                "material": rng.choice(["PLA", "PETG", "ABS"]),
                "color": "FF0000",
                "grams": rng.uniform(1, 200),
            }
            for s in range(rng.choice([1, 1, 1, 2]))
        )
        status = rng.choices(["completed", "cancelled", "error", "interrupted"], [80, 12, 6, 2])[0]
        records.append(
            JobRecord(
                job_id=f"{n:016x}",
                printer=f"printer{rng.randrange(PRINTERS)}",
                display_name="A printer with a name",
                status=status,
                start_time=start,
                end_time=start + length,
                name=name,
                filename=f"{name.replace(' ', '_')}.gcode.3mf",
                total_duration=length,
                print_duration=length * 0.95,
                pause_duration=length * 0.05,
                progress=1.0,
                filament=slots,
                max_temperatures={"extruder": 221.0, "heater_bed": 60.5},
                faults=("0300_8015",) if status == "error" else (),
                eta_error=rng.uniform(-10, 10),
                forecasts=((100.0, length - 90.0, length - 95.0),),
            )
        )
    return records


async def fill(history: History, records: list[JobRecord]) -> None:
    for first in range(0, len(records), 2000):
        batch = records[first : first + 2000]

        def work(connection: sqlite3.Connection, batch: list[JobRecord] = batch) -> None:
            for record in batch:
                writer.put_job(connection, record, True)

        await history.run(lambda c, work=work: writer.atomic(c, work))


class Report:
    def __init__(self) -> None:
        self.bad = False

    def line(
        self, what: str, figure: float, limit: float, unit: str = "ms", more: str = ""
    ) -> None:
        good = figure <= limit
        self.bad = self.bad or not good
        print(
            f"{'ok  ' if good else 'MISS'} {what:<58} {figure:9.1f} {unit} (limit {limit:g}){more}"
        )

    def holds(self, what: str, worst: float, wall: float) -> None:
        self.line(f"  holds the database, {what}", worst, HOLD, more=f" [{wall:.1f}]")


async def ask(report: Report, database: Watch, what: str, limit: float, question: Any) -> None:
    """The median of some rounds for the answer, the worst for the hold."""
    times, holds = [], []
    database.worked = 0.0
    for _ in range(REPEATS):
        database.longest = 0.0
        began = time.perf_counter()
        await question()
        times.append((time.perf_counter() - began) * 1000)
        holds.append(database.longest * 1000)
    report.line(what, sorted(times)[REPEATS // 2], limit)
    report.holds(what.split(":")[0], database.worked * 1000, sorted(holds)[REPEATS // 2])


async def measure(count: int, path: pathlib.Path) -> int:
    report = Report()
    database = Watch(path)
    history = History(database, TableDefinition)
    await history.start()
    records = made_up(count)
    began = time.perf_counter()
    await fill(history, records)
    print(
        f"{count} jobs written in {time.perf_counter() - began:.1f} s; "
        f"{os.path.getsize(path) / count:.0f} bytes per job"  # noqa: ASYNC240
    )
    end = START + 5 * YEAR
    pages: dict[str, dict[str, Any]] = {
        "first page": {},
        "one printer": {"printer": "printer3"},
        "one outcome": {"status": "error"},
        "a rare outcome of one printer": {"printer": "printer3", "status": "interrupted"},
        "a month, long ago": {"since": START + YEAR, "before": START + YEAR + 30 * 86400},
        "an outcome, ascending, long ago": {
            "status": "interrupted",
            "before": START + YEAR,
            "order": "asc",
        },
        "a frequent word": {"search": "bracket"},
        "a rare word": {"search": "unicorn"},
        "a word that nobody used": {"search": "zeppelin"},
        "two words": {"search": "vase lid"},
        "a frequent word, rare outcome": {"search": "vase", "status": "interrupted"},
        "a frequent word of one printer, long ago": {
            "search": "vase",
            "printer": "printer3",
            "before": START + YEAR,
        },
        "two letters": {"search": "ox"},
        "two letters and no such job": {"search": "zq"},
        "page 100": {"start": 5000},
    }
    for what, filters in pages.items():
        await ask(report, database, f"list: {what}", PAGE, lambda f=filters: history.list(**f))
    await ask(
        report,
        database,
        "statistics: a year",
        STATISTICS,
        lambda: history.statistics(None, end - YEAR - 4000, end - 4000),
    )
    await ask(
        report,
        database,
        "statistics of one printer: a year",
        STATISTICS,
        lambda: history.statistics("printer3", end - YEAR - 4000, end - 4000),
    )
    await ask(report, database, "totals: everything", STATISTICS, history.totals)
    fresh = replace(records[0], job_id="fresh", start_time=end + 1, end_time=end + 100)

    async def write() -> None:
        history.take(fresh)
        await history.flush()

    await ask(report, database, "write: a finished job", PAGE, write)
    await ask(report, database, "job: by id", PAGE, lambda: history.job("fresh"))
    await export(report, database, history)
    await history.stop()
    database.close()
    return int(report.bad)


async def export(report: Report, database: Watch, history: History) -> None:
    tracemalloc.start()
    database.longest = database.worked = 0.0
    began, size, rows = time.perf_counter(), 0, 0
    async for piece in history.export("csv"):
        size += len(piece)
        rows += piece.count("\n")
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    took = time.perf_counter() - began
    print(f"     export: {rows} rows, {size / 1e6:.1f} MB in {took:.1f} s (traced)")
    report.line("export: memory", peak, 10.0, "MB")
    report.holds("export", database.worked * 1000, database.longest * 1000)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--keep", type=pathlib.Path, help="database file to make and leave")
    args = parser.parse_args()
    if args.keep is not None:
        return asyncio.run(measure(args.jobs, args.keep))
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(args.jobs, pathlib.Path(folder) / "history.db"))


if __name__ == "__main__":
    sys.exit(main())
