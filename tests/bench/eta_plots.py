# The plots of docs/heater_eta.md
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Accuracy against the baselines, error over the course of a heat-up, and one example.

The example is a synthetic heater: recorded traces belong to their owners and are not published,
only what was counted on them.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

from heater_eta.thermal.tracker import HeaterTracker
from heater_eta.thermal.types import Estimate, HeaterKind, HeaterState, Sample

from ..unit.thermal.drive import drive, reborn
from ..unit.thermal.plant import HOTEND, THICK_BED, Plant, PlantSpec, heater_spec
from .eta_baselines import linear
from .eta_metrics import quantile, select
from .eta_replay import Score
from .svg import BLUE, GREEN, GREY, INK, ORANGE, Chart

_CELLS = (
    ("hotend", "reached", "hotend", "reached"),
    ("hotend", "ready", "hotend", "M109 returns"),
    ("bed", "reached", "bed", "reached"),
    ("bed", "ready", "bed", "M190 returns"),
    ("cooldown", "hotend80", "hotend", "cool, 80 C"),
    ("cooldown", "bed50", "bed", "cool, 50 C"),
)


def write(folder: pathlib.Path, scores: Sequence[Score], result: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "eta_accuracy.svg").write_text(accuracy(result))
    (folder / "eta_progress.svg").write_text(progress(scores))
    (folder / "eta_hotend.svg").write_text(example(HOTEND, HeaterKind.HOTEND, 220.0, 120.0))
    (folder / "eta_bed.svg").write_text(example(THICK_BED, HeaterKind.BED, 100.0, 1100.0))


def accuracy(result: dict[str, Any]) -> str:
    """Median error as a share of the duration, model and baselines."""
    chart = Chart(
        "Mean error, % of the duration",
        (0.0, len(_CELLS)),
        (0.0, 80.0),
        size=(720, 320),
    )
    chart.grid((), (0, 20, 40, 60, 80), " %")
    chart.legend((("slope", GREY), ("first heat-up", ORANGE), ("later ones", BLUE)))
    for i, (group, event, name, what) in enumerate(_CELLS):
        bars = (
            (result["baselines"]["linear"][group][event]["warm"]["share"], GREY),
            (result[group][event]["cold"]["share"], ORANGE),
            (result[group][event]["warm"]["share"], BLUE),
        )
        for j, (share, color) in enumerate(bars):
            if share is not None:
                chart.bar(i + 0.11 + 0.27 * j, 0.24, 100 * share, color, f"{100 * share:.0f}")
        chart.tick(i + 0.5, name)
        chart.tick(i + 0.5, what, row=1)
    return chart.render()


def progress(scores: Sequence[Score]) -> str:
    """How the error shrinks on the way: median |error| over the elapsed share."""
    chart = Chart(
        "Error while heating, known heaters",
        (0.0, 100.0),
        (0.0, 60.0),
        "elapsed, % of the time until M109 or M190 returns",
        "median |error|, % of that time",
    )
    chart.grid(range(0, 101, 20), range(0, 61, 10), " %")
    chart.legend((("hotend", ORANGE), ("bed", BLUE)))
    for mode, group, color, dash in (
        ("linear", "hotend", ORANGE, "5 4"),
        ("linear", "bed", BLUE, "5 4"),
        ("model", "hotend", ORANGE, ""),
        ("model", "bed", BLUE, ""),
    ):
        chosen = [s for s in select(scores, mode, group, "ready", "warm") if s.errors]
        points = []
        for percent in range(0, 100, 4):
            pairs = []
            for s in chosen:
                # errors begin with the first estimate and end with the event
                at = round(percent / 100.0 * s.duration) - round(s.first or 0.0)
                if 0 <= at < len(s.errors):
                    weight = 1.0 / sum(o.printer == s.printer for o in chosen)
                    pairs.append((abs(s.errors[at]) / s.duration, weight))
            middle = quantile(pairs, 0.5)
            if middle is not None and len(pairs) > len(chosen) // 2:
                points.append((float(percent), 100.0 * middle))
        chart.line(points, color, 2.4 if not dash else 1.6, dash)
    chart.note(62, 45, "dashed: extrapolated slope", INK)
    return chart.render()


def example(spec: PlantSpec, kind: HeaterKind, target: float, span: float) -> str:
    """Predicted and true end of a heat-up of a synthetic heater that is known by five others."""
    tracker = HeaterTracker(heater_spec(spec, kind))
    seen: list[tuple[Sample, Estimate]] = []
    for number in range(6):
        tracker = reborn(tracker)
        plant = Plant(spec, seed=30 + number)
        drive(tracker, plant, 5.0)
        plant.target = target
        seen = drive(tracker, plant, 1.6 * span)
    start = seen[0][0].time
    ready = next(s.time for s, e in seen if e.ready) - start
    seen = seen[:: max(1, round(ready / 150.0))]
    rows = [(s.time - start, s.temperature, s.target, s.power or 0.0) for s, _ in seen]
    waiting = [(s.time - start, e) for s, e in seen if e.heating and s.time - start < ready]
    top = 1.5 * ready
    chart = Chart(
        f"{'Hotend' if kind is HeaterKind.HOTEND else 'Thick bed'} to {target:g} C (synthetic)",
        (0.0, 1.05 * ready),
        (0.0, top),
        "seconds since the target was set",
        "predicted end, s",
    )
    step = 20 if ready < 150 else 100 if ready < 700 else 200
    chart.grid(range(0, int(ready) + 1, step), range(0, int(top) + 1, step))
    chart.legend((("slope", GREY), ("temperature", GREEN), ("80 %", "#b9d2e8"), ("ready", BLUE)))
    low = [(t, t + (e.eta_low or 0.0)) for t, e in waiting]
    high = [(t, t + (e.eta_high or 0.0)) for t, e in waiting]
    chart.band(low, high, BLUE)
    guesses = linear(rows, target, 10.0 if kind is HeaterKind.HOTEND else 30.0)
    slope = [(t, t + left) for t, (left, _, _) in guesses if left is not None and t < ready]
    chart.line([p for p in slope if p[1] <= top], GREY, 1.5)
    shown = [(t, temp / target * 0.92 * top) for t, temp, _, _ in rows if t < 1.05 * ready]
    chart.line(shown[::3], GREEN, 1.3, "2 3")
    chart.line([(0.0, ready), (1.05 * ready, ready)], INK, 1.0, "6 4")
    chart.line([(t, t + (e.eta or 0.0)) for t, e in waiting], BLUE, 2.4)
    reached = next(
        (t for t, e in waiting if e.state in (HeaterState.SETTLING, HeaterState.READY)), None
    )
    if reached is not None:
        chart.note(reached, 0.04 * top, "target reached", INK, "middle")
    return chart.render()
