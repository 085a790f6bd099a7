# HEATER_ETA_WAIT: until ready, cool or stable, with a countdown
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Blocks the G-code queue as M109 does, and tells how long it will take."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from . import compat
from .display import clock
from .monitor import HeaterMonitor

if TYPE_CHECKING:
    from .heater_eta import HeaterEta

INTERVAL = 0.5
SOAK = 60.0  # seconds of stability unless DURATION says otherwise


@dataclass(frozen=True)
class Wait:
    monitor: HeaterMonitor
    below: Optional[float] = None
    slope: Optional[float] = None  # degrees per minute
    duration: Optional[float] = None
    timeout: Optional[float] = None


class Soak:
    """Stable: over the whole window the temperature moved no faster than the slope allows."""

    def __init__(self, slope: float, duration: float) -> None:
        self.slope = slope
        self.duration = max(duration, 5.0)
        self.points: deque[tuple[float, float]] = deque()
        self.since: Optional[float] = None

    def add(self, now: float, temperature: float) -> None:
        self.points.append((now, temperature))
        while now - self.points[0][0] > 30.0:
            self.points.popleft()
        rate = self._rate()
        if rate is None or abs(rate) * 60.0 > self.slope:
            self.since = None
        elif self.since is None:
            self.since = now

    def _rate(self) -> Optional[float]:
        """Least squares over at most 30 s: single noisy samples decide nothing."""
        count = len(self.points)
        if count < 5 or self.points[-1][0] - self.points[0][0] < 5.0:
            return None
        mean_t = sum(t for t, _ in self.points) / count
        mean_y = sum(y for _, y in self.points) / count
        spread = sum((t - mean_t) ** 2 for t, _ in self.points)
        return sum((t - mean_t) * (y - mean_y) for t, y in self.points) / spread

    def remaining(self, now: float) -> Optional[float]:
        return None if self.since is None else max(0.0, self.duration - (now - self.since))


class _Watch:
    """One wait under way: is it over, and what to say meanwhile."""

    def __init__(self, hub: HeaterEta, gcmd: Any, wait: Wait) -> None:
        self.hub = hub
        self.gcmd = gcmd
        self.wait = wait
        self.monitor = wait.monitor
        self.heater = wait.monitor.heater
        self.begun = hub.reactor.monotonic()
        self.cancels = hub.cancelled
        self.job_cancels = hub.job_cancelled
        self.planned = hub.preheat.pending(self.monitor)
        self.soak = (
            Soak(wait.slope, SOAK if wait.duration is None else wait.duration)
            if (wait.slope is not None)
            else None
        )
        self.said = -1e9
        self.problem: Optional[str] = None

    def busy(self, eventtime: float) -> bool:
        name = self.monitor.name
        timeout = self.wait.timeout
        if timeout is not None and eventtime - self.begun > timeout:
            self.problem = f"{name}: not there after {timeout:.0f} s (TIMEOUT)"
            return False
        remaining = self._remaining(eventtime)
        if self.problem is not None or remaining == 0.0:
            return False
        self._say(eventtime, remaining)
        return True

    def _remaining(self, eventtime: float) -> Optional[float]:
        """Seconds to go, None when not known, exactly 0.0 when over."""
        temp = self.monitor.temperature
        status = self.monitor.get_status(eventtime)
        if self.soak is not None:
            if temp is None:
                self.soak.since = None
                return None
            self.soak.add(eventtime, temp)
            return self.soak.remaining(eventtime)
        if self.wait.below is not None:
            if self.monitor.can_heat and self.heater.target_temp >= self.wait.below:
                self.problem = f"{self.monitor.name} was set to {self.heater.target_temp:.0f}"
                return None
            if temp is not None and temp <= self.wait.below:
                return 0.0
            return self._until_below(temp, status)
        if self.hub.preheat.pending(self.monitor):
            return self.hub.get_status(eventtime)["eta"] or None
        if self.heater.target_temp <= 0.0:
            self.problem = f"{self.monitor.name} was turned off"
            return None
        if not self.heater.check_busy(eventtime):
            return 0.0
        return status["eta"] or None

    def _until_below(self, temp: Optional[float], status: dict[str, Any]) -> Optional[float]:
        if temp is None or self.wait.below is None:
            return None
        left = self.monitor.cools_to(self.wait.below)
        if left is not None:
            return max(1.0, left)
        # below the cool threshold the model no longer follows: the slope has to do
        rate = status["rate"]
        if rate is None or rate >= -0.005:
            return None
        return max(1.0, (temp - self.wait.below) / -rate)

    def _say(self, eventtime: float, remaining: Optional[float]) -> None:
        pause = 5.0 if remaining is not None and remaining <= 60.0 else 15.0
        if eventtime - self.said < pause:
            return
        self.said = eventtime
        temp = self.monitor.temperature
        what = "ready"
        if self.soak is not None:
            what = "stable"
        elif self.wait.below is not None:
            what = f"below {self.wait.below:.0f}"
        when = "waiting" if remaining is None else f"{what} in {clock(remaining)}"
        now = "" if temp is None else f" ({temp:.1f} C)"
        self.gcmd.respond_info(f"{self.monitor.name}: {when}{now}", log=False)

    def cancelled(self) -> bool:
        return self.hub.cancelled != self.cancels


def wait_for(hub: HeaterEta, gcmd: Any, wait: Wait) -> None:
    watch = _Watch(hub, gcmd, wait)
    finished = compat.wait_while(hub.printer, watch.busy, INTERVAL, watch.cancelled)
    if watch.problem is not None:
        raise gcmd.error(watch.problem)
    if hub.job_cancelled != watch.job_cancels:
        compat.note_job_cancelled(hub.printer)
    if not finished and not hub.printer.is_shutdown():
        raise gcmd.error(f"{wait.monitor.name}: wait cancelled")
