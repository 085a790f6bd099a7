# What is worth telling a person: few events, typed, each told once
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Changes, job steps and command results in, events out; docs/external_api.md lists the types.

Flapping is held back: a printer is offline when it has been away for a while, a fault is cleared
when it has stayed away, a heater is ready once per target.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Optional

from .core.commands import Command, CommandResult, Verdict
from .core.guards import GuardAlert
from .core.model import Heater, Severity

if TYPE_CHECKING:
    from .core.jobs import JobEvent
    from .printer import Change, Printer

logger = logging.getLogger("moonfleet")
OFFLINE_AFTER = 30.0  # s away before it is told
ONLINE_AFTER = 5.0  # s back before it is told, once an absence was told
CLEARED_AFTER = 10.0  # s without a fault before it counts as cleared
TYPES = (
    "printer_online",
    "printer_offline",
    "fault",
    "fault_cleared",
    "job_started",
    "job_paused",
    "job_resumed",
    "job_finished",
    "heater_ready",
    "bed_cool",
    "action_confirmed",
    "action_rejected",
    "firmware_changed",
    "maintenance_due",
    "guard",
)


@dataclass
class _Memory:
    """What was told of one printer, and what waits."""

    told_online: Optional[bool] = None
    online: bool = False
    turned: float = 0.0  # when `online` last changed, monotonic
    turned_at: float = 0.0  # the same as Unix time
    told_faults: dict[str, float] = field(default_factory=dict)  # code -> last seen, monotonic
    present_faults: frozenset[str] = frozenset()
    heating: dict[str, Optional[float]] = field(default_factory=dict)  # heater -> target
    told_ready: dict[str, Optional[float]] = field(default_factory=dict)
    seen_heaters: set[str] = field(default_factory=set)
    part_on_bed: bool = False
    firmware: Optional[str] = None


def _is_there(heater: Heater) -> bool:
    """Within klippy's own degree of its target."""
    if heater.temperature is None or not heater.target:
        return False
    return abs(heater.temperature - heater.target) <= 1.0


class EventMaker:
    """Makes events and tells those who listen; the history keeps them."""

    def __init__(self, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic  # a clock that is set must not look like an absence
        self._listeners: list[Callable[[dict[str, Any]], None]] = []
        self._memory: dict[str, _Memory] = {}
        self._next_id = 1

    def listen(self, callback: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        self._listeners.append(callback)

        def remove() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return remove

    def continue_after(self, last_id: int) -> None:
        """Ids go on where an earlier life stopped."""
        self._next_id = max(self._next_id, last_id + 1)

    def guard(self, printer: str, alert: GuardAlert, result: Optional[CommandResult]) -> None:
        """``result``: what became of the pause, where the rule asks for one."""
        details: dict[str, Any] = {
            "rule": alert.rule,
            "subject": alert.subject,
            "message": alert.message,
            "action": alert.action.value,
            "result": None if result is None else result.verdict.value,
            "reason": None if result is None else result.reason,
        }
        self._add("guard", printer, details)

    def maintenance_due(self, due: Mapping[str, Any]) -> None:
        """A counter has passed its threshold; whoever counts says so once."""
        details = {key: value for key, value in due.items() if key != "printer"}
        self._add("maintenance_due", str(due["printer"]), details)

    # ---- news -------------------------------------------------------------------------------

    def observe(self, change: Change, printer: Printer) -> None:
        memory = self._of(change.printer)
        if memory.online != printer.online or memory.told_online is None:
            memory.online, memory.turned = printer.online, self._monotonic()
            memory.turned_at = self._clock()
            if printer.online and memory.told_online is None:
                self._tell_online(change.printer, memory, returned=False)
        if printer.online:
            self._faults(change, memory)
            self._heaters(change, memory)
            self._firmware(change, memory)

    def job(self, printer: Printer, event: JobEvent) -> None:
        record = event.record
        details: dict[str, Any] = {
            "job_id": record.job_id,
            "filename": record.filename,
            "name": record.name,
        }
        if event.kind == "finished":
            details["status"] = record.status
            details["print_duration"] = record.print_duration
            details["bed_cool_at"] = self._bed_cool_at(printer)
            self._of(printer.name).part_on_bed = True
        self._add(f"job_{event.kind}", printer.name, details)

    def command(
        self, printer: Printer, command: Command, origin: str, result: CommandResult
    ) -> None:
        good = result.verdict is Verdict.ACCEPTED
        self._add(
            "action_confirmed" if good else "action_rejected",
            printer.name,
            {
                "action": command.action.value,
                "result": result.verdict.value,
                "reason": result.reason,
                "origin": origin,
            },
        )

    def forget(self, printer: str) -> None:
        """It is no member any more: nothing of it comes later, and it may return as a new one."""
        self._memory.pop(printer, None)

    def tick(self) -> None:
        """Tell what has held long enough; once a second is enough."""
        now = self._monotonic()
        for name, memory in list(self._memory.items()):
            away = now - memory.turned
            if memory.told_online and not memory.online and away >= OFFLINE_AFTER:
                memory.told_online = False
                self._add("printer_offline", name, {"since": round(memory.turned_at, 3)})
            elif memory.told_online is False and memory.online and away >= ONLINE_AFTER:
                self._tell_online(name, memory, returned=True)
            for code, seen in list(memory.told_faults.items()):
                if code in memory.present_faults or not memory.online:
                    memory.told_faults[code] = now
                elif now - seen >= CLEARED_AFTER:
                    del memory.told_faults[code]
                    self._add("fault_cleared", name, {"code": code})

    # ---- inside -----------------------------------------------------------------------------

    def _of(self, name: str) -> _Memory:
        return self._memory.setdefault(name, _Memory())

    def _tell_online(self, name: str, memory: _Memory, *, returned: bool) -> None:
        memory.told_online = True
        self._add("printer_online", name, {"returned": returned})

    def _faults(self, change: Change, memory: _Memory) -> None:
        now = self._monotonic()
        faults = {f.code: f for f in change.after.faults if f.severity is not Severity.INFO}
        for code in memory.present_faults - faults.keys():
            if code in memory.told_faults:
                memory.told_faults[code] = now
        memory.present_faults = frozenset(faults)
        for code, fault in faults.items():
            if code not in memory.told_faults:
                memory.told_faults[code] = now
                details = {"code": code, "severity": fault.severity.value, "url": fault.url}
                self._add("fault", change.printer, details)

    def _heaters(self, change: Change, memory: _Memory) -> None:
        for name, estimate in change.heaters.items():
            if estimate.state.value == "unknown":
                continue  # an absence: what was told stays told
            heater = change.after.heaters.get(name)
            target = heater.target if heater is not None else None
            if name not in memory.seen_heaters:
                memory.seen_heaters.add(name)
                if heater is not None and _is_there(heater):
                    memory.told_ready[name] = target  # it did not become ready, we came late
            if estimate.heating:
                memory.heating[name] = target
            elif estimate.ready and name in memory.heating:
                del memory.heating[name]
                if memory.told_ready.get(name, -1.0) != target:
                    memory.told_ready[name] = target
                    temperature = heater.temperature if heater is not None else None
                    details = {"heater": name, "target": target, "temperature": temperature}
                    self._add("heater_ready", change.printer, details)
            elif not estimate.ready:
                memory.heating.pop(name, None)
                memory.told_ready.pop(name, None)
            if name == "heater_bed" and memory.part_on_bed:
                if estimate.heating:
                    memory.part_on_bed = False
                elif estimate.state.value == "cooled":
                    memory.part_on_bed = False
                    temperature = heater.temperature if heater is not None else None
                    self._add("bed_cool", change.printer, {"temperature": temperature})

    def _firmware(self, change: Change, memory: _Memory) -> None:
        now, before = change.after.firmware, memory.firmware
        if now is None or now == before:
            return
        memory.firmware = now
        if before is not None:
            self._add("firmware_changed", change.printer, {"before": before, "firmware": now})

    def _bed_cool_at(self, printer: Printer) -> Optional[float]:
        estimate = printer.heaters.get("heater_bed")
        if estimate is None or estimate.cooldown_eta is None:
            return None
        return round(self._clock() + estimate.cooldown_eta, 1)

    def _add(self, kind: str, printer: str, details: dict[str, Any]) -> None:
        event = {"id": self._next_id, "time": round(self._clock(), 3), "type": kind}
        event.update(printer=printer, **details)
        self._next_id += 1
        for callback in list(self._listeners):
            try:
                callback(dict(event))
            except Exception:
                logger.exception("moonfleet: a listener failed")
