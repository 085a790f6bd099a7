# Command line: a real Klipper checkout with its API socket on simulated heaters
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.emulators.klippy_host.real --klipper DIR --socket PATH [...]``

Needs a Python with klippy's requirements (greenlet, cffi, jinja2, pyserial; Kalico: numpy).
"""

from __future__ import annotations

import argparse
import logging
import os
import pathlib
import shutil
import signal
import sys
import tempfile
from typing import Any

from ..__main__ import parse_args, prepare
from ..demo import Demo
from .engine import Engine, with_mcu


def serve(args: argparse.Namespace, data: pathlib.Path, scratch: pathlib.Path) -> int:
    config, gcodes = prepare(args, data)
    config.write_text(with_mcu(config.read_text(encoding="utf-8")), encoding="utf-8")
    args.socket.unlink(missing_ok=True)
    engine = Engine(args.klipper, scratch, virtual=False)
    announced: list[bool] = []

    def stop(*_: Any) -> None:
        # klippy's run loop takes SystemExit for a crash
        args.socket.unlink(missing_ok=True)
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def print_faster(printer: Any) -> None:
        gcode = printer.lookup_object("gcode")
        printer.get_reactor().register_callback(
            lambda eventtime: gcode.run_script(f"M220 S{100.0 * args.speed:g}")
        )

    def before_start(printer: Any) -> None:
        if args.speed != 1.0:
            printer.register_event_handler("klippy:ready", lambda: print_faster(printer))
        if args.demo:
            Demo(printer, gcodes)
        if not announced:
            print(f"ready: {args.socket}", flush=True)
            announced.append(True)

    socket = str(args.socket)
    log = str(args.log) if args.log else None
    start_args = engine.start_args(config, apiserver=socket, apiserver_file=socket, log_file=log)
    return 0 if engine.run(start_args, before_start) == "exit" else 1


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv, real=True)
    logging.basicConfig(
        level=logging.INFO, filename=args.log, format="%(asctime)s %(levelname)s %(message)s"
    )
    with tempfile.TemporaryDirectory(prefix="klippy_real_") as scratch:
        data = args.data or pathlib.Path(scratch) / "data"
        return serve(args, data, pathlib.Path(scratch))


if __name__ == "__main__":
    sys.exit(main())
