# One heater of the host: samples it, feeds the model, keeps the published values
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The object ``heater_eta <heater>``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

from . import compat
from .publish import UNKNOWN_STATUS, status_of
from .thermal.tracker import HeaterTracker
from .thermal.types import UNKNOWN_ESTIMATE, Estimate, HeaterKind, HeaterState, Sample

STALE_AFTER = 7.0  # klippy itself stops trusting a sample then


class HeaterMonitor:
    """Created by its section or by the hub; bound to its heater at klippy:connect."""

    #: temperature_fan monitors cool instead, and hold up nobody
    can_heat = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.kind: Optional[HeaterKind] = None
        self.cool_threshold: Optional[float] = None
        self.learn = True
        self.heater: Any = None
        self.tracker: Optional[HeaterTracker] = None
        self.estimate: Estimate = UNKNOWN_ESTIMATE
        self.target = 0.0
        self.temperature: Optional[float] = None
        self._status: dict[str, Any] = dict(UNKNOWN_STATUS)
        self._usual_control: Any = None
        self._regulation: Any = None
        self._calibrating = False
        self._sensor_type: Optional[str] = None
        self._learned: Any = None
        self._last_time = 0.0
        self._last_busy: Optional[bool] = None
        self._due = 0.0

    def configure(self, config: Any) -> None:
        kinds = {kind.value: kind for kind in HeaterKind}
        if config.get("kind", None) is not None:
            self.kind = config.getchoice("kind", kinds)
        self.cool_threshold = config.getfloat("cool_threshold", None, above=0.0, maxval=200.0)
        self.learn = config.getboolean("learn", True)

    def bind(self, heater: Any, sensor_type: Optional[str], learned: Any) -> None:
        self.heater = heater
        self._usual_control = compat.control_of(heater)
        self._sensor_type = sensor_type
        self._start_tracker(learned if self.learn else None)

    def _start_tracker(self, learned: Any) -> None:
        self._regulation = compat.regulation_of(self._usual_control)
        spec = compat.spec_of(self.heater, self.kind, self._sensor_type)
        seed = compat.seed_of(self._usual_control, spec.kind)
        if seed is not None and not (learned or {}).get("heats"):
            # as long as no heat-up has taught better, also what it has learned otherwise
            learned = {**(learned or {}), **seed}
        self.tracker = HeaterTracker(spec, learned, self.cool_threshold)

    # -- the reactor's timer
    def sample(self, eventtime: float, shutdown: bool) -> None:
        """Read the heater once; the hub catches everything."""
        heater = self.heater
        with heater.lock:
            temperature = compat.finite(heater.last_temp)
            read_time = compat.finite(heater.last_temp_time)
            target = compat.finite(heater.target_temp)
            power = compat.finite(heater.last_pwm_value)
            control = heater.control
        if temperature is None or target is None:
            self.temperature = None
            self._publish(UNKNOWN_ESTIMATE)
            return
        if shutdown:
            target, power = 0.0, 0.0  # klippy keeps the target, the heater is off
        age = self._age(read_time, eventtime)
        changed = target != self.target
        self.target = target
        if age is None or age > STALE_AFTER:
            self.temperature = None
            self._publish(UNKNOWN_ESTIMATE)
            return
        if read_time == self._last_time and not changed:
            self._maybe_estimate(eventtime, False)
            return
        self._last_time = read_time or 0.0
        self.temperature = temperature
        calibrating = self._is_calibrating(control, target)
        if not calibrating and (changed or control is not self._usual_control):
            self._usual_control = control  # a PID profile may have been loaded, or gains set
            self._follow_regulation()
        # check_busy takes the same lock: never while holding it
        busy = bool(heater.check_busy(eventtime)) if target > 0.0 else False
        tracker = self._tracker()
        tracker.update(
            Sample(
                time=eventtime if changed else eventtime - max(0.0, age),
                temperature=temperature,
                target=target,
                power=power,
                busy=busy,
                integral=compat.integral_of(control, tracker.spec.max_power),
                calibrating=calibrating,
            )
        )
        at_once = changed or busy is not self._last_busy
        self._last_busy = busy
        self._maybe_estimate(eventtime, at_once)

    def _is_calibrating(self, control: Any, target: float) -> bool:
        """MPC_CALIBRATE ends with an MPC of its own: it lasts until the usual one is back."""
        if compat.is_calibrating(control, self._usual_control):
            self._calibrating = True
        elif control is self._usual_control or target <= 0.0:
            self._calibrating = False
        return self._calibrating

    def _age(self, read_time: Optional[float], eventtime: float) -> Optional[float]:
        now = compat.print_time_of(self.heater, eventtime)
        if not read_time or now is None:
            return None
        return now - read_time

    def _tracker(self) -> HeaterTracker:
        assert self.tracker is not None
        return self.tracker

    def _follow_regulation(self) -> None:
        if compat.regulation_of(self._usual_control) != self._regulation:
            self._start_tracker(self._tracker().to_dict())

    def _maybe_estimate(self, eventtime: float, at_once: bool) -> None:
        if not at_once and eventtime < self._due:
            return
        self._due = eventtime + 0.99
        estimate = self._tracker().estimate(eventtime)
        if estimate.state is HeaterState.COOLING and self.target > 0.0 and not self._last_busy:
            # too hot, and the host would not wait for that (watermark never does)
            estimate = replace(
                estimate, state=HeaterState.READY, ready=True, heating=False, eta=0.0
            )
        self._publish(estimate)

    def _publish(self, estimate: Estimate) -> None:
        """Replace the cached values; unchanged ones stay the same object and send nothing."""
        status = status_of(estimate, self.target)
        self.estimate = estimate
        if status != self._status:
            self._status = status

    def give_up(self) -> None:
        """After an error of ours: say unknown rather than something old."""
        self._publish(UNKNOWN_ESTIMATE)

    # -- for everybody
    def get_status(self, eventtime: float) -> dict[str, Any]:
        return self._status

    def disturb(self, share: float) -> None:
        self._tracker().disturb(share)

    def work(self) -> bool:
        return self._tracker().work()

    def revision(self) -> int:
        return self._tracker().revision if self.learn else 0

    def to_dict(self) -> dict[str, Any]:
        return self._tracker().to_dict()

    def predict(self, target: float) -> Optional[float]:
        """Seconds from now to ready at ``target`` if it were set now."""
        if self.temperature is None:
            return None
        return self._tracker().predict(self.temperature, target)

    def cools_to(self, level: float) -> Optional[float]:
        """Seconds from now until it has fallen to ``level``."""
        return self._tracker().cools_to(level)

    def reset(self) -> None:
        """Forget everything that was learned."""
        self._start_tracker(None)
        self._publish(UNKNOWN_ESTIMATE)
