# The demo: a real Moonraker with Moonfleet on emulated printers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.demo``; install.sh prepares its environment and starts it."""

from __future__ import annotations

import argparse
import asyncio
import pathlib
import shutil
import signal
import sys
import tempfile
import time

from . import home
from .check import Check
from .client import Client
from .options import parse
from .processes import DemoError
from .stage import Options, Stage


def say(words: str = "") -> None:
    print(words, flush=True)


def describe(stage: Stage, options: argparse.Namespace) -> None:
    host = f"Klipper from {options.klipper}" if options.klipper else "klippy host"
    rows = [
        ("page", stage.page),
        ("Moonraker", f"{home.moonraker_version()} on port {stage.port}"),
        ("klipper", f"{host} with the real heater_eta on simulated heaters"),
    ]
    words = {"bambu": "emulated Bambu Lab X1 Carbon, MQTT over TLS",
             "prusalink": "emulated Prusa MK4S, PrusaLink over HTTP digest"}  # fmt: skip
    for section in stage.sections:
        rows.append((section.name, f"{words[section.type]}, port {section.port}"))
    rows += [(one.name, f"{one.url} with all of them") for one in stage.interfaces]
    rows.append(("speed", f"heaters and prints {options.speed:g} times faster than in life"))
    rows.append(("logs", str(stage.folder / "logs")))
    say()
    for name, value in rows:
        say(f"  {name:<10} {value}")
    say()


def report(check: Check) -> None:
    say()
    for row in check.rows():
        mark = "[ OK ]" if row.seen is not None else "[FAIL]"
        words = row.seen if row.seen is not None else (row.missing or "not seen in time")
        say(f"  {mark} {row.what:<42} {words}")
    missing = [row.what for row in check.rows() if row.seen is None]
    say()
    say(f"missing: {'; '.join(missing)}" if missing else "everything was seen")


async def watch(stage: Stage, options: argparse.Namespace) -> int:
    if not options.check:
        say("Press Ctrl-C to stop everything.")
        await asyncio.Event().wait()
    say("checking; this takes up to three minutes")
    start = time.monotonic()
    async with Client(stage.port) as client:
        check = Check(client, stage.kinds())
        passed = await check.run()
    report(check)
    say(f"checked in {time.monotonic() - start:.0f} s")
    return 0 if passed else 1


async def play(options: argparse.Namespace, folder: pathlib.Path) -> int:
    """0: all well or stopped by the user; 1: something is missing or broke."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    stage = Stage(folder, Options(options.speed, options.port, options.klipper))
    waiting = asyncio.create_task(stopped.wait())
    work = asyncio.create_task(perform(stage, options))
    try:
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            say("\nstopping")
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            return 1 if options.check else 0
        return work.result()
    except DemoError as error:
        print(f"[FAIL] {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        waiting.cancel()
        await stage.stop()
        say("everything is stopped")


async def perform(stage: Stage, options: argparse.Namespace) -> int:
    say("[ .. ] starting the printers and Moonraker")
    await stage.start()
    say("[ OK ] started")
    describe(stage, options)
    watching = asyncio.create_task(watch(stage, options))
    dying = asyncio.create_task(stage.first_death())
    try:
        await asyncio.wait({watching, dying}, return_when=asyncio.FIRST_COMPLETED)
        if dying.done():
            raise DemoError(dying.result())
        return watching.result()
    finally:
        for task in (watching, dying):
            task.cancel()
        await asyncio.gather(watching, dying, return_exceptions=True)


def main() -> int:
    options = parse()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="moonfleet-demo-"))
    code = 1
    try:
        code = asyncio.run(play(options, folder))
        return code
    finally:
        if code == 0:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            say(f"the logs are kept in {folder / 'logs'}")


if __name__ == "__main__":
    sys.exit(main())
