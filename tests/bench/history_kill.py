# kill -9 at random moments while jobs run, on a real Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.history_kill [--kills N] [--version 0.11.0]``

Three scripted printers print, pause, finish, fail and are cancelled without a break. Moonraker is
killed and started again; in the end the history is compared with what the printers did. Exit status
1 when a job that had been listed is lost, one stands there twice or with a wrong outcome, or the
database is damaged.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import pathlib
import random
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from typing import Optional

from tests.moonraker.director import Director, prusa
from tests.moonraker.real import ROOT, VERSIONS, Moonraker

PRINTERS = ("one", "two", "three")
OUTCOMES = {"complete": "completed", "cancelled": "cancelled", "error": "error"}


@dataclass
class Run:
    printer: str
    name: str
    outcome: Optional[str] = None


class Workshop:
    """What the printers do, whoever is watching."""

    def __init__(self, director: Director, seed: int) -> None:
        self.runs: dict[str, Run] = {}
        self._director = director
        self._rng = random.Random(seed)
        self._stopping = False

    async def work(self, printer: str) -> None:
        rng, count = random.Random(f"{printer} {self._rng.random()}"), 0
        while not self._stopping:
            count += 1
            run = Run(printer, f"{printer}-{count}")
            self.runs[run.name] = run
            await self._print(rng, run)
            run.outcome = rng.choice(list(OUTCOMES))
            self._say(run, run.outcome, None)
            await asyncio.sleep(rng.uniform(0.1, 2.0))
        self._director.say(printer, state="standby", job=None)

    async def _print(self, rng: random.Random, run: Run) -> None:
        length, now = rng.choice([0.5, 2.0, 6.0]), 0.0
        while now < length:
            state = "paused" if rng.random() < 0.1 else "printing"
            self._say(run, state, now / length)
            step = rng.uniform(0.05, 0.4)
            now += step
            await asyncio.sleep(step)

    def _say(self, run: Run, state: str, progress: Optional[float]) -> None:
        job = {
            "name": run.name,
            "filename": f"{run.name}.gcode",
            "progress": progress,
            "time_left": None,
            "print_duration": None,
            "layer": None,
            "layers": None,
            "origin": None,
        }
        self._director.say(run.printer, state=state, run=run.name, job=job)

    def stop(self) -> None:
        self._stopping = True


async def jobs_of(server: Moonraker) -> dict[str, dict]:
    found: dict[str, dict] = {}
    start = 0
    while True:
        page = await server.get("/server/moonfleet/history/list", start=start, limit=500)
        for job in page["jobs"]:
            if job["job_id"] in found:
                raise AssertionError(f"listed twice: {job['job_id']}")
            found[job["job_id"]] = job
        start += 500
        if len(page["jobs"]) < 500:
            return found


async def bench(folder: pathlib.Path, kills: int, version: str, seed: int) -> int:
    rng = random.Random(seed)
    async with Director(**{name: prusa(state="standby") for name in PRINTERS}) as director:
        config = director.config("control: none")
        server = Moonraker(folder, config, version, environ={"PYTHONPATH": str(ROOT)})
        workshop = Workshop(director, seed)
        workers = [asyncio.ensure_future(workshop.work(name)) for name in PRINTERS]
        listed: dict[str, str] = {}
        try:
            for number in range(kills):
                await asyncio.to_thread(server.start)
                await asyncio.sleep(rng.uniform(0.0, 2.5))
                with contextlib.suppress(OSError):
                    listed.update({k: j["name"] for k, j in (await jobs_of(server)).items()})
                await asyncio.sleep(rng.uniform(0.0, 0.3))
                server.kill()
                print(f"\rkilled {number + 1} of {kills}", end="", flush=True)
            await asyncio.to_thread(server.start)
            await asyncio.sleep(1.0)
            workshop.stop()
            await asyncio.gather(*workers)
            jobs = await settled(server)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(0.3)  # the printers hear that it hung up
    print()
    return judge(folder, workshop, listed, jobs, server)


async def settled(server: Moonraker) -> dict[str, dict]:
    """The history once every job has ended in it."""

    async def ended() -> Optional[dict[str, dict]]:
        jobs = await jobs_of(server)
        return jobs if all(j["status"] != "in_progress" for j in jobs.values()) else None

    return dict(await server.when(ended, "every job to end"))


def judge(
    folder: pathlib.Path,
    workshop: Workshop,
    listed: dict[str, str],
    jobs: dict[str, dict],
    server: Moonraker,
) -> int:
    names = [job["name"] for job in jobs.values()]
    lost = [name for job_id, name in listed.items() if job_id not in jobs]
    doubled = sorted({name for name in names if names.count(name) > 1})
    wrong = []
    marked = 0
    for job in jobs.values():
        run = workshop.runs.get(job["name"])
        truth = None if run is None or run.outcome is None else OUTCOMES[run.outcome]
        guess = job["estimated"]["status"] or job["status"] == "interrupted"
        marked += guess
        if truth is None or (job["status"] != truth and not guess):
            wrong.append(f"{job['name']}: {job['status']}, truth {truth}")
    database = sqlite3.connect(folder / "database" / "moonraker-sql.db")
    sound = database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    rows = database.execute("SELECT COUNT(*) FROM moonfleet_jobs").fetchone()[0]
    summed = database.execute("SELECT SUM(jobs) FROM moonfleet_days WHERE day = 0").fetchone()[0]
    words = database.execute("SELECT COUNT(*) FROM moonfleet_words").fetchone()[0]
    database.close()
    agrees = rows == summed == words == len(jobs)
    unseen = len(workshop.runs) - len(set(names))
    print(
        f"{len(workshop.runs)} runs, {unseen} while nobody looked, {len(jobs)} jobs recorded, "
        f"{marked} with a marked outcome"
    )
    for what, faults in (("lost", lost), ("doubled", doubled), ("wrong", wrong)):
        print(f"{'MISS' if faults else 'ok  '} {what}: {len(faults)} (limit 0) {faults[:5]}")
    print(f"{'ok  ' if sound else 'MISS'} integrity of the database")
    print(f"{'ok  ' if agrees else 'MISS'} {rows} rows, {summed} in the sums, {words} in the index")
    tracebacks = server.log().count("Traceback")
    print(f"{'MISS' if tracebacks else 'ok  '} {tracebacks} tracebacks (limit 0)")
    return int(bool(lost or doubled or wrong or not sound or not agrees or tracebacks))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--version", choices=VERSIONS, default=VERSIONS[-1])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it warns of each cut connection
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(bench(pathlib.Path(folder), args.kills, args.version, args.seed))


if __name__ == "__main__":
    sys.exit(main())
