# HEATER_ETA_PREHEAT: several heaters that become ready together
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The slowest heater starts at once, the others when what remains is what they need.

A plan holds no mutex: it is stepped by the sampling timer, so that it goes on during M190. It
ends, without touching any heater, as soon as somebody else decides about one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from .monitor import HeaterMonitor
from .thermal.types import HeaterState

if TYPE_CHECKING:
    from .heater_eta import HeaterEta

FULL_POWER = 0.98
ENDED_JOBS = ("cancelled", "error")


@dataclass
class Member:
    monitor: HeaterMonitor
    target: float
    before: float  # its target when the plan was made
    started: bool = False


class Preheat:
    def __init__(self, hub: HeaterEta) -> None:
        self.hub = hub
        self.members: list[Member] = []
        self.sequence = False
        self._job: Optional[str] = None
        self._due = 0.0

    @property
    def active(self) -> bool:
        return any(not member.started for member in self.members)

    def pending(self, monitor: HeaterMonitor) -> bool:
        return any(m.monitor is monitor and not m.started for m in self.members)

    def start(self, targets: dict[HeaterMonitor, float], sequence: bool) -> None:
        """Begin a plan, replacing the one under way; called from the G-code command."""
        self.sequence = sequence
        self._job = self._job_state()
        self.members = [
            Member(monitor, target, monitor.heater.target_temp)
            for monitor, target in targets.items()
        ]
        needs = {m.monitor.name: m.monitor.predict(m.target) for m in self.members}
        # longest first; what cannot be predicted comes last and starts with the first of them
        self.members.sort(key=lambda m: -(needs[m.monitor.name] or 0.0))
        heaters = self.hub.printer.lookup_object("heaters")
        first = self.members[0]
        try:
            for member in self.members:
                at_once = member is first or (needs[member.monitor.name] is None and not sequence)
                if at_once or self._settled(member):
                    heaters.set_temperature(member.monitor.heater, member.target)
                    member.started = True
        except Exception:
            self.members = []  # the host refused one of them: no half a plan
            raise
        self._due = self.hub.reactor.monotonic() + 1.0

    @staticmethod
    def _settled(member: Member) -> bool:
        """Already there: changing the target costs nothing and needs no plan."""
        temp = member.monitor.temperature
        return member.target <= 0.0 or (
            member.before > 0.0 and temp is not None and temp >= member.target - 1.0
        )

    def cancel(self, reason: str) -> None:
        if self.active:
            waiting = ", ".join(m.monitor.name for m in self.members if not m.started)
            self._say(f"preheat ended ({reason}); not started: {waiting}")
        self.members = []

    def step(self, eventtime: float, shutdown: bool) -> None:
        if not self.members:
            return
        reason = "shutdown" if shutdown else self._interference()
        if reason is not None:
            self.cancel(reason)
            return
        if not self.active:
            if all(m.monitor.get_status(eventtime)["ready"] or not m.target for m in self.members):
                self.members = []
            return
        if eventtime < self._due:
            return
        self._due = eventtime + 0.5
        for member in self.members:
            if not member.started and self._is_time(member, eventtime):
                self._begin(member)
                if self.sequence:
                    return

    def _interference(self) -> Optional[str]:
        for member in self.members:
            target = member.monitor.heater.target_temp
            if member.started:
                if target != member.target:
                    return f"{member.monitor.name} was set to {target:g}"
            elif target == member.target and target > 0.0:
                member.started = True  # M104 or M109 of the job came first
            elif target != member.before:
                return f"{member.monitor.name} was set to {target:g}"
        job = self._job_state()
        if job != self._job:
            self._job = job
            if job in ENDED_JOBS:
                return f"job {job}"
        return None

    def _job_state(self) -> Optional[str]:
        stats = self.hub.printer.lookup_object("print_stats", None)
        state = getattr(stats, "state", None)
        return state if isinstance(state, str) else None

    def _is_time(self, member: Member, eventtime: float) -> bool:
        running = [m for m in self.members if m.started and m.target > 0.0]
        if self.sequence and any(self._at_full_power(m) for m in running):
            return False
        need = member.monitor.predict(member.target)
        if need is None:
            return not running
        remaining = 0.0
        for other in self.members:
            if other is member or not other.target:
                continue
            if other.started:
                eta = other.monitor.get_status(eventtime)["eta"]
            elif self.sequence:
                continue
            else:
                eta = other.monitor.predict(other.target)
                if eta is not None and eta <= need:
                    continue
            if eta is None:
                return False  # stalled or unreachable: no use in a hot nozzle
            remaining = max(remaining, eta)
        return remaining <= need

    @staticmethod
    def _at_full_power(member: Member) -> bool:
        heater = member.monitor.heater
        with heater.lock:
            power, full = heater.last_pwm_value, getattr(heater, "max_power", 1.0)
        return power >= FULL_POWER * full or member.monitor.estimate.state in (
            HeaterState.HEATING,
            HeaterState.UNKNOWN,
        )

    def _begin(self, member: Member) -> None:
        try:
            member.monitor.heater.set_temp(member.target)
        except self.hub.printer.command_error as err:
            self.cancel(str(err))
            return
        member.started = True

    def _say(self, text: str) -> None:
        gcode: Any = self.hub.printer.lookup_object("gcode")
        gcode.respond_info(f"heater_eta: {text}")
