# Reads heaters and their temperatures out of a klippy.log
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: lines in, events out. Anything that is not understood is passed over."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Optional, Union

from .compat import kind_of
from .thermal.types import HeaterSpec

MAX_LINE = 20000
MAX_CONFIG_LINES = 20000
_STATS = re.compile(r"Stats (\d+\.\d+): ")
_HEATER = re.compile(r"(\S+): target=(-?\d+) temp=(-?\d+\.\d+) pwm=(\d+\.\d+)")
_START = re.compile(r"Start printer at .*\((\d+\.\d+) \d+\.\d+\)")
_CONFIG_BEGIN = "===== Config file ====="
_CONFIG_END = "======================="
_PID_BASE = 255.0


@dataclass(frozen=True)
class Started:
    """klippy (re)started; ``time`` is Unix time where the log says it."""

    time: float


@dataclass(frozen=True)
class Configured:
    specs: dict[str, HeaterSpec]


@dataclass(frozen=True)
class Reading:
    time: float
    heaters: dict[str, tuple[float, float, float]]  # target, temperature, power


Event = Union[Started, Configured, Reading]


def read_log(lines: Iterable[str]) -> Iterator[Event]:
    config: Optional[list[str]] = None
    for raw in lines:
        line = raw[:MAX_LINE].rstrip("\n")
        if config is not None:
            if line.startswith(_CONFIG_END) or len(config) > MAX_CONFIG_LINES:
                yield Configured(specs_of("\n".join(config)))
                config = None
            else:
                config.append(line)
            continue
        if _CONFIG_BEGIN in line:
            config = []
            continue
        stats = _STATS.search(line)
        if stats is not None:
            heaters = {
                name: (float(target), float(temp), float(power))
                for name, target, temp, power in _HEATER.findall(line, stats.end())
            }
            if heaters:
                yield Reading(float(stats.group(1)), heaters)
            continue
        start = _START.search(line)
        if start is not None:
            yield Started(float(start.group(1)))


def specs_of(text: str) -> dict[str, HeaterSpec]:
    """Heaters of a configuration dump, by the short names that Stats lines use."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=", ":"))
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    specs = {}
    for section in parser.sections():
        if not parser.has_option(section, "heater_pin"):
            continue
        short = section.split()[-1]
        max_temp = _number(parser, section, "max_temp")
        gains = [_number(parser, section, f"pid_{letter}") for letter in ("kp", "ki", "kd")]
        known = all(gain is not None for gain in gains)
        specs[short] = HeaterSpec(
            name=short,
            kind=kind_of(section, max_temp),
            control=parser.get(section, "control", fallback=None),
            gains=tuple((g or 0.0) / _PID_BASE for g in gains) if known else None,  # type: ignore[arg-type]
            max_power=_number(parser, section, "max_power") or 1.0,
            smooth_time=_number(parser, section, "smooth_time") or 1.0,
            max_delta=_number(parser, section, "max_delta") or 2.0,
            min_temp=_number(parser, section, "min_temp"),
            max_temp=max_temp,
            sensor_type=parser.get(section, "sensor_type", fallback=None),
        )
    return specs


def _number(parser: configparser.RawConfigParser, section: str, option: str) -> Optional[float]:
    try:
        return parser.getfloat(section, option)
    except (configparser.Error, ValueError):
        return None
