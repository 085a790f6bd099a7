# Runs one emulated printer from a shell
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.emulators.bambu --port N``; Ctrl-C ends it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import signal

from . import MODELS, EmulatedBambu, Faults


def _arguments() -> argparse.Namespace:
    switches = [f.name for f in dataclasses.fields(Faults) if f.type == "bool"]
    parser = argparse.ArgumentParser(description="An emulated Bambu Lab printer")
    parser.add_argument("--model", default="P1S", help=", ".join(MODELS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8883)
    parser.add_argument("--ftps-port", type=int, default=0, help="storage; 0 picks one")
    parser.add_argument("--camera-port", type=int, default=0, help="0 picks one")
    parser.add_argument("--serial", help="default: one that fits the model")
    parser.add_argument("--access-code", default="12345678")
    parser.add_argument("--speed", type=float, default=1.0, help="of heating and printing")
    parser.add_argument("--job-seconds", type=float, default=600.0, help="length of a print")
    parser.add_argument("--auto", action="store_true", help="print one job after another")
    parser.add_argument("--ca", metavar="FILE", help="write the CA certificate here")
    parser.add_argument("--fault", action="append", default=[], choices=switches)
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    faults = Faults(**{name: name != "developer_mode" for name in arguments.fault})
    printer = EmulatedBambu(
        model=arguments.model,
        serial=arguments.serial,
        access_code=arguments.access_code,
        host=arguments.host,
        port=arguments.port,
        speed=arguments.speed,
        ftps_port=arguments.ftps_port,
        camera_port=arguments.camera_port,
        auto=arguments.auto,
        job_seconds=arguments.job_seconds,
        faults=faults,
    )
    if arguments.ca:
        import pathlib

        printer.write_ca(pathlib.Path(arguments.ca))
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with printer:
        print(f"{printer.model.name} {printer.serial} on {printer.host}:{printer.port}")
        print(f"storage on port {printer.ftps.port}", flush=True)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(_run(_arguments()))
