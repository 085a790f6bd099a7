# What the heater ETA costs the machine that must also step motors
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.eta_cost [--hours H]``

CPU time of the thread, never wall time: being preempted is not a cost of the model. Exit status 1
when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import gc
import pathlib
import sys
import time
import tracemalloc
from typing import Callable, Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "klippy_extras"))

from heater_eta.thermal.tracker import HeaterTracker  # noqa: E402
from heater_eta.thermal.types import HeaterKind, Sample  # noqa: E402

from ..unit.thermal.plant import HOTEND, THICK_BED, THIN_BED, Plant, heater_spec  # noqa: E402

HEATERS = (
    (HOTEND, HeaterKind.HOTEND, 230.0),
    (HOTEND, HeaterKind.HOTEND, 200.0),
    (THIN_BED, HeaterKind.BED, 60.0),
    (THICK_BED, HeaterKind.BED, 100.0),
)
PERIOD = 0.25


def samples(
    index: int, seconds: float, target: float, start: Optional[float] = None
) -> list[Sample]:
    """A stretch of 4 Hz samples of one of the heaters."""
    spec, _, _ = HEATERS[index]
    plant = Plant(spec, seed=index + 1)
    plant.PERIOD = PERIOD
    if start is not None:
        plant.soak(start)
    plant.target = 0.0
    result = list(plant.run(5.0, PERIOD))
    plant.target = target
    return result + list(plant.run(seconds, PERIOD))


def timed(call: Callable[[], object]) -> float:
    begin = time.thread_time_ns()
    call()
    return (time.thread_time_ns() - begin) / 1e3


def drive(tracker: HeaterTracker, stretch: list[Sample]) -> tuple[list[float], list[float]]:
    """Microseconds of each update and of each estimate (one after every update)."""
    updates, estimates = [], []
    for sample in stretch:
        updates.append(timed(lambda s=sample: tracker.update(s)))  # type: ignore[misc]
        estimates.append(timed(lambda s=sample: tracker.estimate(s.time)))  # type: ignore[misc]
    return updates, estimates


def middle(values: list[float], q: float = 0.5) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def slices(tracker: HeaterTracker) -> list[float]:
    found = []
    more = True
    while more:
        begin = time.thread_time_ns()
        more = tracker.work()
        found.append((time.thread_time_ns() - begin) / 1e3)
    return found


class Report:
    def __init__(self) -> None:
        self.good = True

    def line(self, name: str, value: float, limit: float, unit: str) -> None:
        over = value > limit
        self.good = self.good and not over
        print(f"{name:58}{value:10.3f} {unit:4} limit {limit:8.3f}{'  EXCEEDED' if over else ''}")


def share_of_core(phase: str) -> tuple[float, list[float], list[float]]:
    """CPU seconds per second of four heaters, and the single costs."""
    heating = phase == "heating"
    total = 0.0
    updates: list[float] = []
    estimates: list[float] = []
    for index, (spec, kind, target) in enumerate(HEATERS):
        tracker = HeaterTracker(heater_spec(spec, kind))
        if heating:
            # known heaters cost more than new ones: their past has a say
            for _ in range(3):
                plant = Plant(spec, seed=9)
                plant.target = target
                for sample in plant.run(700.0, 1.0):
                    tracker.update(sample)
                while tracker.work():
                    pass
                tracker = HeaterTracker(heater_spec(spec, kind), tracker.to_dict())
            stretch = samples(index, 600.0, target)
            stretch = [s for s in stretch if s.target > 0.0 and s.busy]
        else:
            stretch = samples(index, 900.0, target, start=target)[-2400:]
            for sample in stretch[:400]:
                tracker.update(sample)
            stretch = stretch[400:]
        gc.collect()
        u, e = drive(tracker, stretch)
        duration = len(stretch) * PERIOD
        # hosts ask four times a second as well; the clock's own cost is taken off
        total += (sum(u) + sum(e)) / 1e6 / duration
        updates += u
        estimates += e
    return total, updates, estimates


def flatness(hours: float) -> tuple[float, float]:
    """Bytes that one tracker holds after a quarter of the time and at the end."""
    tracker = HeaterTracker(heater_spec(HOTEND))
    plant = Plant(HOTEND)
    held: list[float] = []
    tracemalloc.start()
    begin = tracemalloc.get_traced_memory()[0]
    cycles = max(8, int(hours * 2))
    for cycle in range(cycles):
        plant.target = (0.0, 210.0, 150.0, 230.0)[cycle % 4]
        for sample in plant.run(hours * 3600.0 / cycles, 1.0):
            tracker.update(sample)
            tracker.work()
            tracker.estimate(sample.time)
        del sample
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0] - begin)
    tracemalloc.stop()
    return max(held[: len(held) // 2]), max(held[len(held) // 2 :])


def main() -> int:
    parser = argparse.ArgumentParser(description="CPU and memory of the heater ETA.")
    parser.add_argument("--hours", type=float, default=24.0, help="simulated, for memory")
    args = parser.parse_args()
    clock = middle([timed(lambda: None) for _ in range(2000)])
    print(f"(the clock itself: {clock:.2f} us per measurement, not taken off)")
    report = Report()
    share, updates, estimates = share_of_core("heating")
    report.line("four heaters heating, 4 Hz, share of one core", 100.0 * share, 0.2, "%")
    report.line("  update, median", middle(updates), 30.0, "us")
    report.line("  update, 99 %", middle(updates, 0.99), 30.0, "us")
    report.line("  estimate, median", middle(estimates), 300.0, "us")
    report.line("  estimate, 99 %", middle(estimates, 0.99), 300.0, "us")
    share, updates, estimates = share_of_core("holding")
    report.line("four heaters holding, 4 Hz, share of one core", 100.0 * share, 0.05, "%")
    report.line("  update, median", middle(updates), 30.0, "us")
    worst: list[float] = []
    for index, (spec, kind, target) in enumerate(HEATERS):
        tracker = HeaterTracker(heater_spec(spec, kind))
        for sample in samples(index, 900.0, target):
            tracker.update(sample)
        worst += slices(tracker)
    report.line("learning after a heat-up, slowest slice", max(worst) / 1e3, 1.0, "ms")
    print(f"  ({len(worst)} slices, {sum(worst) / 1e3 / len(HEATERS):.1f} ms per heat-up)")
    early, late = flatness(args.hours)
    report.line(f"memory, second half of {args.hours:g} h over the first", late - early, 16384, "B")
    print(f"  (one heater holds {late / 1024:.0f} KiB at most)")
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
