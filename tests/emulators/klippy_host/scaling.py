# Makes the plants of a printer.cfg N times faster, regulation included
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A plant that is N times faster needs Ki * N, Kd / N and quicker samples to behave the same."""

from __future__ import annotations

import re

_OPTION = re.compile(r"^(\w+)\s*[:=]\s*(.*?)\s*$")
MIN_REPORT = 0.02


def scale_config(text: str, speed: float, gcodes: str | None = None) -> str:
    """The text of a printer.cfg with its simulated heaters sped up and its gcodes folder set."""
    out = []
    section = ""
    for line in text.splitlines():
        header = re.match(r"^\[([^\]]+)\]", line)
        option = _OPTION.match(line)
        if header:
            section = header.group(1).strip()
            out.append(line)
            if speed != 1.0 and section.startswith("sim_plant "):
                out.append(f"speed: {speed:g}")
                out.append(f"report_time: {max(MIN_REPORT, 0.3 / speed):g}")
            continue
        if option and speed != 1.0:
            key = option.group(1).lower()
            if key in ("max_velocity", "max_accel"):
                line = f"{option.group(1)}: {float(option.group(2)) * speed:g}"
            if key in ("pid_ki", "pid_kd"):
                value = float(option.group(2))
                value = value * speed if key == "pid_ki" else value / speed
                line = f"{option.group(1)}: {value:.6g}"
                if key == "pid_kd":
                    line += f"\nsmooth_time: {1.0 / speed:g}"
        if option and gcodes and section == "virtual_sdcard" and option.group(1) == "path":
            line = f"path: {gcodes}"
        out.append(line)
    return "\n".join(out) + "\n"
