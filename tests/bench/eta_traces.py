# Reads a set of recorded heater episodes
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""index.csv and one CSV per episode: t_s, temp_c, target_c, pwm at 1 Hz, t_s 0 = target set."""

from __future__ import annotations

import csv
import pathlib
from dataclasses import dataclass
from typing import Optional

from heater_eta.thermal.types import HeaterKind, HeaterSpec

Row = tuple[float, float, float, float]


@dataclass(frozen=True)
class Episode:
    name: str
    printer: str
    heater: str
    kind: str  # heat, cool, cool_to
    number: int
    start: float
    target: float
    reached: Optional[float]
    ready: Optional[float]
    calibrating: bool
    spec: HeaterSpec
    path: pathlib.Path

    @property
    def group(self) -> str:
        """hotend, bed or chamber: what the tables tell apart."""
        return self.spec.kind.value

    def rows(self) -> list[Row]:
        result = []
        with self.path.open(newline="") as file:
            for row in csv.DictReader(file):
                result.append(
                    (
                        float(row["t_s"]),
                        float(row["temp_c"]),
                        float(row["target_c"]),
                        float(row["pwm"]),
                    )
                )
        return result


def _float(text: Optional[str]) -> Optional[float]:
    try:
        return float(text or "")
    except ValueError:
        return None


def _kind(heater: str) -> HeaterKind:
    if heater.startswith("extruder"):
        return HeaterKind.HOTEND
    return HeaterKind.BED if "bed" in heater else HeaterKind.CHAMBER


def _spec(row: dict[str, str]) -> HeaterSpec:
    gains = tuple(_float(row.get(f"pid_{g}")) for g in ("kp", "ki", "kd"))
    known = all(g is not None for g in gains)
    return HeaterSpec(
        name=row["heater"],
        kind=_kind(row["heater"]),
        control=row.get("control") or None,
        gains=tuple(g / 255.0 for g in gains) if known else None,  # type: ignore
        max_power=_float(row.get("max_power")) or 1.0,
        smooth_time=_float(row.get("smooth_time")) or 1.0,
        max_delta=_float(row.get("max_delta")) or 2.0,
        sensor_type=row.get("sensor_type") or None,
    )


def load(folder: pathlib.Path) -> dict[tuple[str, str], list[Episode]]:
    """Episodes per printer and heater, in the order in which they happened."""
    found: dict[tuple[str, str], list[Episode]] = {}
    with (folder / "index.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            digits = row["file"].rsplit("_", 1)[-1].split(".")[0]
            episode = Episode(
                name=row["file"],
                printer=row["printer"],
                heater=row["heater"],
                kind=row["kind"],
                number=int(digits) if digits.isdigit() else 0,
                start=_float(row["start_c"]) or 0.0,
                target=_float(row["target_c"]) or 0.0,
                reached=_float(row["reached_s"]),
                ready=_float(row["ready_s"]),
                calibrating=row["pid_calibrate"] == "1",
                spec=_spec(row),
                path=folder / row["file"],
            )
            found.setdefault((episode.printer, episode.heater), []).append(episode)
    for episodes in found.values():
        # numbers run per kind; a heat-up comes before the cool-down of the same number
        episodes.sort(key=lambda e: (e.number, e.kind != "heat"))
    return found
