# Command line of the stand-in klippy host
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""See the package's docstring."""

from __future__ import annotations

import argparse
import logging
import pathlib
import signal
import sys
import tempfile
from typing import Any

from .demo import Demo
from .printer import Printer, default_start_args
from .reactor import Reactor
from .scaling import scale_config
from .server import ApiServer

DEFAULT_CONFIG = pathlib.Path(__file__).with_name("default.cfg")


def parse_args(argv: list[str] | None = None, real: bool = False) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="klippy_host", description="klippy on simulated heaters")
    parser.add_argument("--socket", required=True, type=pathlib.Path)
    parser.add_argument(
        "--speed", type=float, default=1.0, help="heaters and prints N times faster"
    )
    parser.add_argument("--config", type=pathlib.Path, default=DEFAULT_CONFIG)
    parser.add_argument("--gcodes", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--log", type=pathlib.Path)
    parser.add_argument("--demo", action="store_true")
    if real:
        parser.add_argument("--klipper", required=True, type=pathlib.Path)
    args = parser.parse_args(argv)
    if not 0.1 <= args.speed <= 100.0:
        parser.error("--speed must be between 0.1 and 100")
    return args


def prepare(args: argparse.Namespace, data: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Write the configuration to run into ``data``; returns it and the gcodes folder."""
    gcodes = (args.gcodes or data / "gcodes").resolve()
    gcodes.mkdir(parents=True, exist_ok=True)
    for folder in ("config", "klipper/config", "klipper/docs"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    config = data / "config" / "printer.cfg"
    text = args.config.read_text(encoding="utf-8")
    config.write_text(scale_config(text, args.speed, str(gcodes)), encoding="utf-8")
    return config, gcodes


def serve(args: argparse.Namespace, data: pathlib.Path) -> int:
    config, gcodes = prepare(args, data)
    current: list[Printer] = []

    def stop(*_: Any) -> None:
        if current:
            current[0].get_reactor().register_async_callback(
                lambda eventtime: current[0].request_exit("exit")
            )

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    announced = False
    while True:
        start_args = default_start_args(
            str(config),
            speed=args.speed,
            klipper_path=str(data / "klipper"),  # Moonraker looks for its examples and docs
            gcodes=str(gcodes),
            log_file=str(args.log) if args.log else None,
            apiserver=str(args.socket),
        )
        printer = Printer(Reactor(), start_args)
        current[:] = [printer]
        ApiServer(printer, args.socket)
        if args.demo:
            Demo(printer, gcodes)
        if not announced:
            print(f"ready: {args.socket}", flush=True)
            announced = True
        if printer.run() == "exit":
            return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    logging.basicConfig(
        level=logging.INFO,
        filename=args.log,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    if args.data is not None:
        return serve(args, args.data)
    with tempfile.TemporaryDirectory(prefix="klippy_host_") as data:
        return serve(args, pathlib.Path(data))


if __name__ == "__main__":
    sys.exit(main())
