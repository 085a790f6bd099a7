# PID_CALIBRATE of the stand-in klippy host
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Swings the heater between the target and 5 C below it, with a controller of its own."""

from __future__ import annotations

from typing import Any

SWING = 5.0
CYCLES = 5


class ControlAutoTune:
    """Named as klippy's, which is how an extra tells a calibration from a heat-up."""

    def __init__(self, heater: Any, target: float) -> None:
        self.heater = heater
        self.target = target
        self.heating = False
        self.turns = 0

    def temperature_update(self, read_time: float, temp: float, target: float) -> None:
        if self.heating and temp >= target:
            self.heating = False
            self.turns += 1
            self.heater.alter_target(self.target - SWING)
        elif not self.heating and temp <= target:
            self.heating = True
            self.turns += 1
            self.heater.alter_target(self.target)
        self.heater.set_pwm(read_time, self.heater.max_power if self.heating else 0.0)

    def check_busy(self, eventtime: float, smoothed: float, target: float) -> bool:
        return self.heating or self.turns < 2 * CYCLES


class PidCalibrate:
    def __init__(self, printer: Any) -> None:
        self.printer = printer
        printer.lookup_object("gcode").register_command(
            "PID_CALIBRATE", self._run, desc="Run PID calibration test"
        )

    def _run(self, gcmd: Any) -> None:
        heaters = self.printer.lookup_object("heaters")
        name, target = gcmd.get("HEATER"), gcmd.get_float("TARGET")
        if name not in heaters.heaters:
            raise gcmd.error(f"Unknown heater '{name}'")
        heater = heaters.heaters[name]
        usual = heater.set_control(ControlAutoTune(heater, target))
        try:
            heaters.set_temperature(heater, target, wait=True)
        finally:
            heater.set_control(usual)
        gcmd.respond_info("PID parameters were measured; the stand-in keeps its own")
