# The demo's command line, read before anything is set up
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Standard library only: ``python3 -m tests.demo.options ARGS`` checks a command line."""

from __future__ import annotations

import argparse
import os
import pathlib
from typing import Optional

SPEED = 4.0
CHECK_SPEED = 8.0


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number; try 4") from None
    if not 0.5 <= value <= 50:
        raise argparse.ArgumentTypeError(f"{text} is out of range; use 0.5 to 50")
    return value


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port; use 1 to 65535")
    return int(text)


def folder(text: str) -> pathlib.Path:
    """A folder as the person who typed it meant it: install.sh has changed the directory."""
    caller = pathlib.Path(os.environ.get("MOONFLEET_CALLER", "."))
    return (caller / pathlib.Path(text).expanduser()).resolve()


def _klipper(text: str) -> pathlib.Path:
    path = folder(text)
    if not (path / "klippy" / "klippy.py").is_file():
        raise argparse.ArgumentTypeError(
            f"'{text}' holds no klippy/klippy.py; name the folder of a Klipper checkout"
        )
    return path


def parse(argv: Optional[list[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="install.sh demo",
        description="Run a real Moonraker with Moonfleet on emulated printers. Ctrl-C stops it.",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        metavar="N",
        help="heaters and prints N times faster than in life, clocks stay real"
        f" (default {SPEED:g}; with --check {CHECK_SPEED:g})",
    )
    parser.add_argument(
        "--klipper",
        type=_klipper,
        metavar="DIR",
        help="run this Klipper (or Kalico) checkout instead of the stand-in host",
    )
    parser.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help="Moonraker's port (default 7125, or a free one if that is taken)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="run unattended until every promise was seen kept, at most three minutes;"
        " exit code 1 names what was missing",
    )
    options = parser.parse_args(argv)
    if options.speed is None:
        options.speed = CHECK_SPEED if options.check else SPEED
    return options


if __name__ == "__main__":
    parse()
