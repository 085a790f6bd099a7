# Fills the learned file from the klippy.log files that a user already has
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python3 -m klippy_extras.heater_eta.learn KLIPPY_LOG... [--output FILE] [--replace]``

Restart the klipper service afterwards: a running one keeps what it knows and writes it again.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, TextIO

from . import storage
from .compat import kind_of
from .klippylog import MAX_LINE, Configured, Reading, Started, read_log
from .thermal.tracker import HeaterTracker
from .thermal.types import HeaterKind, HeaterSpec, Sample

GAP = 60.0  # a pause in the log after which nothing is known of a heater
SWING = 7.0  # PID_CALIBRATE moves its target by 5 C (Kalico 2.5 C either way)
EXAMPLES = {HeaterKind.HOTEND: 210.0, HeaterKind.BED: 60.0, HeaterKind.CHAMBER: 45.0}


@dataclass
class Heater:
    """One heater across all logs."""

    spec: HeaterSpec
    tracker: HeaterTracker
    readings: int = 0
    heat_ups: int = 0
    target: float = 0.0
    time: Optional[float] = None
    changes: list[tuple[float, float]] = field(default_factory=list)  # time, by how much

    def restart(self, spec: Optional[HeaterSpec] = None) -> None:
        self.spec = spec or self.spec
        self.tracker = HeaterTracker(self.spec, self.tracker.to_dict())
        self.time, self.target = None, 0.0
        self.changes.clear()

    def take(self, time: float, target: float, temperature: float, power: float) -> None:
        if self.time is not None and not 0.0 < time - self.time < GAP:
            self.restart()
        if target != self.target:
            self.changes.append((time, target - self.target))
            if target > max(temperature + 10.0, self.target):
                self.heat_ups += 1
        self.changes = [change for change in self.changes[-4:] if time - change[0] < 200.0]
        self.time, self.target = time, target
        self.readings += 1
        self.tracker.update(
            Sample(
                time=time,
                temperature=temperature,
                target=target,
                power=power,
                calibrating=self._calibrating(),
            )
        )
        while self.tracker.work():
            pass

    def _calibrating(self) -> bool:
        """PID_CALIBRATE is not in the log, but nothing else moves a target to and fro."""
        steps = [step for _, step in self.changes[-3:]]
        small = all(abs(step) <= SWING for step in steps)
        return len(steps) == 3 and small and steps[0] * steps[1] < 0.0 and steps[1] * steps[2] < 0.0


class Learner:
    def __init__(self) -> None:
        self.heaters: dict[str, Heater] = {}
        self.specs: dict[str, HeaterSpec] = {}
        self.starts = 0

    def read(self, path: pathlib.Path) -> int:
        """Take in one log; returns how many readings of heaters it had."""
        found = 0
        with path.open(encoding="utf-8", errors="replace") as stream:
            for event in read_log(lines_of(stream)):
                if isinstance(event, Reading):
                    found += 1
                    for name, (target, temp, power) in event.heaters.items():
                        self._heater(name).take(event.time, target, temp, power)
                elif isinstance(event, Configured):
                    self.specs.update(event.specs)
                    for name, spec in event.specs.items():
                        if name in self.heaters and self.heaters[name].spec != spec:
                            self.heaters[name].restart(spec)
                elif isinstance(event, Started):
                    self.starts += 1
                    for heater in self.heaters.values():
                        heater.restart()
        return found

    def _heater(self, name: str) -> Heater:
        heater = self.heaters.get(name)
        if heater is None:
            # without a configuration the name has to do
            spec = self.specs.get(name) or HeaterSpec(name, kind_of(name, None))
            heater = self.heaters[name] = Heater(spec, HeaterTracker(spec))
        return heater


def lines_of(stream: TextIO) -> Iterator[str]:
    """Lines, and what is no text in pieces: a disk image must not fill the memory."""
    return iter(lambda: stream.readline(MAX_LINE), "")


def first_start(path: pathlib.Path) -> float:
    """For reading rotated logs in the order in which they were written."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(lines_of(stream)):
            if "Start printer at" in line:
                for event in read_log([line]):
                    if isinstance(event, Started):
                        return event.time
            if number > 200000:
                break
    return path.stat().st_mtime


def describe(name: str, heater: Heater, learned: int) -> str:
    line = f"{name}: {heater.readings} readings, {heater.heat_ups} heat-ups, {learned} learned"
    if learned:
        target = EXAMPLES[heater.spec.kind]
        seconds = heater.tracker.predict(23.0, target)
        if seconds is not None:
            line += f"; 23 to {target:.0f} C and ready takes about {seconds:.0f} s"
    return line


def learned_count(heater: Heater) -> int:
    heats: Any = heater.tracker.to_dict().get("heats", 0)
    return heats if isinstance(heats, int) else 0


def default_output(logs: Sequence[pathlib.Path]) -> pathlib.Path:
    """``printer_data/heater_eta.json`` for ``printer_data/logs/klippy.log``."""
    folder = logs[0].absolute().parent
    if folder.name == "logs":
        return storage.default_path(str(folder.parent / "config" / "printer.cfg"))
    return folder / "heater_eta.json"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="heater_eta.learn", description="learn heaters from klippy.log files"
    )
    parser.add_argument("logs", nargs="+", type=pathlib.Path, metavar="KLIPPY_LOG")
    parser.add_argument("--output", type=pathlib.Path, help="the learned file to fill")
    parser.add_argument(
        "--replace", action="store_true", help="also heaters that were learned before"
    )
    args = parser.parse_args(argv)
    logs = []
    for path in args.logs:
        try:
            logs.append((first_start(path), path))
        except OSError as err:
            print(f"{path}: cannot be read ({err.strerror}); skipped", file=sys.stderr)
    if not logs:
        return 1
    learner = Learner()
    for _, path in sorted(logs):
        try:
            found = learner.read(path)
        except OSError as err:
            print(f"{path}: broke off ({err.strerror}); what came before counts", file=sys.stderr)
            continue
        print(f"{path}: {found} Stats lines with heaters")
        if not found:
            print(f"{path}: nothing to learn from: is it a klippy.log?", file=sys.stderr)
    output = args.output or default_output([path for _, path in logs])
    known = storage.load(output)
    taken = 0
    for name, heater in sorted(learner.heaters.items()):
        learned = learned_count(heater)
        print(describe(name, heater, learned))
        if name in known and not args.replace and known[name].get("heats"):
            print(f"{name}: kept as it was in {output} (use --replace to start again)")
        elif learned:
            known[name] = heater.tracker.to_dict()
            taken += 1
    if not learner.heaters:
        print("no heater found; nothing was written", file=sys.stderr)
        return 1
    if not taken:
        print(f"nothing new for {output}")
    else:
        try:
            storage.save(output, known)
        except OSError as err:
            print(f"cannot write {output}: {err.strerror}", file=sys.stderr)
            return 1
        print(f"{taken} heaters written to {output}; restart the klipper service now")
    return 0


if __name__ == "__main__":
    sys.exit(main())
