# The emulated printer as a process
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.emulators.prusalink --help``"""

from __future__ import annotations

import argparse
import asyncio
import signal

from .server import EmulatedPrusaLink


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.emulators.prusalink", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--flavour", choices=("buddy", "python"), default="buddy")
    parser.add_argument("--model", default="", help="MK4S, XL, MINI, CORE One, ...; MK3S, ...")
    parser.add_argument("--user", default="maker")
    parser.add_argument("--password", default="emulated-password")
    parser.add_argument("--speed", type=float, default=1.0, help="heaters and print length")
    parser.add_argument("--print-seconds", type=float, default=1800.0)
    parser.add_argument("--no-autopilot", action="store_true", help="wait for commands")
    return parser.parse_args()


async def main() -> None:
    options = arguments()
    printer = EmulatedPrusaLink(
        flavour=options.flavour,
        model=options.model,
        user=options.user,
        password=options.password,
        host=options.host,
        port=options.port,
        speed=options.speed,
        print_seconds=options.print_seconds,
        autopilot=not options.no_autopilot,
        clients=None,
    )
    await printer.start()
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    print(
        f"ready host={options.host} port={printer.port} flavour={options.flavour} "
        f"user={options.user}",
        flush=True,
    )
    await done.wait()
    await printer.stop()


if __name__ == "__main__":
    asyncio.run(main())
