# Guard rules: what a printer is watched for while it prints
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure. Everything is off until it is configured; each trouble is told once until it is over.

``Guard`` decides; the fleet carries an action out like any other command and reports what the
printer's own state showed, also when it did not obey.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Optional

from .model import Filament, PrinterSnapshot, PrintState

SETTLED = 0.005  # progress that counts as progress


class GuardAction(str, Enum):
    NOTIFY = "notify"
    PAUSE = "pause"


@dataclass(frozen=True)
class GuardRules:
    """None or empty: that rule is off. Seconds, and degrees Celsius."""

    heater_off_target: Optional[float] = None  # seconds a heater may be off its target
    heater_band: float = 15.0  # degrees that count as off
    no_progress: Optional[float] = None  # seconds of printing without progress
    filament_runout: bool = False
    fault_codes: frozenset[str] = frozenset()
    offline: Optional[float] = None  # seconds out of reach while it prints
    action: GuardAction = GuardAction.NOTIFY


@dataclass(frozen=True)
class GuardAlert:
    """``rule`` names the option; ``message`` is one sentence for people."""

    rule: str
    message: str
    action: GuardAction
    subject: Optional[str] = None  # a heater, a slot, a fault code


@dataclass(frozen=True)
class _Trouble:
    rule: str
    subject: Optional[str]
    message: str
    patience: float = 0.0  # seconds it must last


class Guard:
    """One printer. ``now`` is any monotonic clock."""

    def __init__(self, rules: GuardRules) -> None:
        self.rules = rules
        self._since: dict[tuple[str, Optional[str]], float] = {}
        self._told: set[tuple[str, Optional[str]]] = set()
        self._reached: dict[str, float] = {}  # heater -> the target it has been at
        self._progress: Optional[tuple[Optional[float], Optional[int]]] = None
        self._progress_at: Optional[float] = None

    def observe(self, snapshot: PrinterSnapshot, online: bool, now: float) -> list[GuardAlert]:
        """Call with every report, and with the last one when the connection changes or time
        passes. Alerts that are new."""
        printing = snapshot.state is PrintState.PRINTING
        if not printing:
            self._progress_at = None
            if snapshot.state is not PrintState.PAUSED:
                self._reached.clear()
        if online:
            self._follow(snapshot, printing, now)
        present: set[tuple[str, Optional[str]]] = set()
        alerts = []
        for trouble in self._troubles(snapshot, online, printing, now):
            key = (trouble.rule, trouble.subject)
            present.add(key)
            since = self._since.setdefault(key, now)
            if now - since >= trouble.patience and key not in self._told:
                self._told.add(key)
                action = self.rules.action if online and printing else GuardAction.NOTIFY
                alerts.append(GuardAlert(trouble.rule, trouble.message, action, trouble.subject))
        if online or not printing:  # what is over while nobody looks is not known to be over
            self._told &= present
            self._since = {key: at for key, at in self._since.items() if key in present}
        return alerts

    def _follow(self, snapshot: PrinterSnapshot, printing: bool, now: float) -> None:
        for name, heater in snapshot.heaters.items():
            if not heater.target:
                self._reached.pop(name, None)
            elif heater.temperature is not None and (
                abs(heater.temperature - heater.target) <= self.rules.heater_band
            ):
                self._reached[name] = heater.target
        job = snapshot.job
        shown = (None, None) if job is None else (job.progress, job.layer)
        if printing and (self._progress_at is None or _moved(self._progress, shown)):
            self._progress, self._progress_at = shown, now

    def _troubles(
        self, snapshot: PrinterSnapshot, online: bool, printing: bool, now: float
    ) -> Iterator[_Trouble]:
        rules = self.rules
        if not online:
            if printing and rules.offline is not None:
                yield _Trouble("offline", None, "out of reach while it prints", rules.offline)
            return
        if printing and rules.heater_off_target is not None:
            yield from self._heaters(snapshot, rules.heater_off_target)
        stuck = rules.no_progress
        if printing and stuck is not None and self._progress_at is not None:
            still = now - self._progress_at
            if still >= stuck:
                text = f"no progress for {still / 60:.0f} minutes"
                yield _Trouble("no_progress", None, text)
        if rules.filament_runout and snapshot.state in (PrintState.PRINTING, PrintState.PAUSED):
            for place in _empty_slots(snapshot.filament):
                yield _Trouble("filament_runout", place, f"no filament in {place}")
        for fault in snapshot.faults:
            if fault.code in rules.fault_codes:
                yield _Trouble("fault_codes", fault.code, f"the printer reports {fault.code}")

    def _heaters(self, snapshot: PrinterSnapshot, patience: float) -> Iterator[_Trouble]:
        """Only a heater that had reached this target can be away from it; others heat up."""
        for name, heater in snapshot.heaters.items():
            target, temperature = heater.target, heater.temperature
            if not target or temperature is None or self._reached.get(name) != target:
                continue
            away = temperature - target
            if math.isfinite(away) and abs(away) > self.rules.heater_band:
                text = f"{name} is at {temperature:.0f} C, its target is {target:.0f} C"
                yield _Trouble("heater_off_target", name, text, patience)


def _moved(
    before: Optional[tuple[Optional[float], Optional[int]]],
    now: tuple[Optional[float], Optional[int]],
) -> bool:
    if before is None:
        return True
    progress, layer = now
    if layer is not None and layer != before[1]:
        return True
    if progress is None or before[0] is None:
        return progress is not before[0]
    return abs(progress - before[0]) >= SETTLED


def _empty_slots(filament: Optional[Filament]) -> Iterator[str]:
    """Slots that feed an extruder and are known to be empty."""
    if filament is None:
        return
    for unit_id, index in filament.active.values():
        if unit_id is None:
            slots, name = filament.external, "the external spool"
        else:
            slots = next((unit.slots for unit in filament.units if unit.id == unit_id), ())
            name = f"unit {unit_id} slot {index}"
        if any(slot.index == index and slot.present is False for slot in slots):
            yield name
