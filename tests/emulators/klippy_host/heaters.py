# Heaters of the stand-in klippy host: regulation, waiting, limits
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Behaves as klippy's heaters do: attributes, locking, PID and watermark, the wait loop, refusals.

Written from observed behaviour; the fidelity test compares it with a real klippy.
"""

from __future__ import annotations

import threading
from typing import Any, Optional

from .config import ConfigError

PWM_REFRESH = 3.0  # a pin that hears nothing for this long switches itself off
STALE_AFTER = 7.0


class ControlBangBang:
    def __init__(self, heater: Heater, config: Any) -> None:
        self.heater = heater
        self.max_delta = config.getfloat("max_delta", 2.0, above=0.0)
        self.heating = False

    def temperature_update(self, read_time: float, temp: float, target: float) -> None:
        if self.heating and temp >= target + self.max_delta:
            self.heating = False
        elif not self.heating and temp <= target - self.max_delta:
            self.heating = True
        self.heater.set_pwm(read_time, self.heater.max_power if self.heating else 0.0)

    def check_busy(self, eventtime: float, smoothed: float, target: float) -> bool:
        return smoothed < target - self.max_delta


class ControlPID:
    def __init__(self, heater: Heater, config: Any) -> None:
        self.heater = heater
        self.Kp = config.getfloat("pid_Kp") / 255.0
        self.Ki = config.getfloat("pid_Ki") / 255.0
        self.Kd = config.getfloat("pid_Kd") / 255.0
        self.temp_integ_max = heater.max_power / self.Ki if self.Ki else 0.0
        self.prev_temp = 25.0
        self.prev_temp_time = 0.0
        self.prev_temp_deriv = 0.0
        self.prev_temp_integ = 0.0

    def temperature_update(self, read_time: float, temp: float, target: float) -> None:
        elapsed = read_time - self.prev_temp_time
        moved = temp - self.prev_temp
        window = self.heater.smooth_time
        if elapsed >= window:
            deriv = moved / elapsed
        else:
            deriv = (self.prev_temp_deriv * (window - elapsed) + moved) / window
        error = target - temp
        integral = min(max(self.prev_temp_integ + error * elapsed, 0.0), self.temp_integ_max)
        wanted = self.Kp * error + self.Ki * integral - self.Kd * deriv
        given = min(max(wanted, 0.0), self.heater.max_power)
        self.heater.set_pwm(read_time, given)
        self.prev_temp, self.prev_temp_time, self.prev_temp_deriv = temp, read_time, deriv
        if wanted == given:  # the integral rests while the output is clipped
            self.prev_temp_integ = integral

    def check_busy(self, eventtime: float, smoothed: float, target: float) -> bool:
        return abs(target - smoothed) > 1.0 or abs(self.prev_temp_deriv) > 0.1


class Heater:
    def __init__(self, config: Any, sensor: Any) -> None:
        self.printer = config.get_printer()
        self.name = config.get_name()
        self.short_name = self.name.split()[-1]
        self.sensor = sensor
        self.min_temp = config.getfloat("min_temp", minval=-273.15)
        self.max_temp = config.getfloat("max_temp", above=self.min_temp)
        self.sensor.setup_minmax(self.min_temp, self.max_temp)
        self.min_extrude_temp = config.getfloat(
            "min_extrude_temp", 170.0, minval=self.min_temp, maxval=self.max_temp
        )
        self.can_extrude = self.min_extrude_temp <= 0.0
        self.max_power = config.getfloat("max_power", 1.0, above=0.0, maxval=1.0)
        self.smooth_time = config.getfloat("smooth_time", 1.0, above=0.0)
        self.pwm_delay = sensor.get_report_time_delta()
        # Klipper up to v0.13 refreshes a constant output less often: start_args can say so
        usual = PWM_REFRESH - (3.0 * self.pwm_delay + 0.001)
        self.refresh = self.printer.get_start_args().get("pwm_refresh", usual)
        self.lock = threading.Lock()
        self.last_temp = self.smoothed_temp = self.target_temp = 0.0
        self.last_temp_time = self.next_pwm_time = self.last_pwm_value = 0.0
        self.watchdog_time = -999.0
        self.pin = self.printer.plants.pin_of(config.get("heater_pin"))
        self.mcu_pwm = self
        algorithms = {"watermark": ControlBangBang, "pid": ControlPID}
        self.control = config.getchoice("control", algorithms)(self, config)
        sensor.setup_callback(self.temperature_callback)
        gcode = self.printer.lookup_object("gcode")
        gcode.register_mux_command(
            "SET_HEATER_TEMPERATURE",
            "HEATER",
            self.short_name,
            self._cmd_set_temperature,
            desc="Sets a heater temperature",
        )
        self.printer.register_event_handler("klippy:shutdown", self._on_shutdown)

    def get_mcu(self) -> Any:
        return self.printer.lookup_object("mcu")

    def set_pwm(self, read_time: float, value: float) -> None:
        if self.target_temp <= 0.0 or read_time > self.watchdog_time:
            value = 0.0
        small = abs(value - self.last_pwm_value) < self.max_power * 0.05
        if small and (read_time < self.next_pwm_time or not self.last_pwm_value):
            return
        pwm_time = read_time + self.pwm_delay
        self.next_pwm_time = pwm_time + self.refresh
        self.last_pwm_value = value
        self.printer.plants.hub.set_pin(self.pin, pwm_time, value)

    def temperature_callback(self, read_time: float, temp: float) -> None:
        with self.lock:
            elapsed = read_time - self.last_temp_time
            self.last_temp, self.last_temp_time = temp, read_time
            self.control.temperature_update(read_time, temp, self.target_temp)
            self.smoothed_temp += (temp - self.smoothed_temp) * min(elapsed / self.smooth_time, 1.0)
            self.can_extrude = self.smoothed_temp >= self.min_extrude_temp

    def _on_shutdown(self) -> None:
        self.watchdog_time = -999.0
        self.printer.plants.hub.set_pin(self.pin, 0.0, 0.0)
        self.last_pwm_value = 0.0

    def get_name(self) -> str:
        return self.name

    def get_pwm_delay(self) -> float:
        return self.pwm_delay

    def get_max_power(self) -> float:
        return self.max_power

    def get_smooth_time(self) -> float:
        return self.smooth_time

    def set_temp(self, degrees: float) -> None:
        if degrees and not self.min_temp <= degrees <= self.max_temp:
            raise self.printer.command_error(
                f"Requested temperature ({degrees:.1f}) out of range"
                f" ({self.min_temp:.1f}:{self.max_temp:.1f})"
            )
        with self.lock:
            self.target_temp = degrees

    def get_temp(self, eventtime: float) -> tuple[float, float]:
        with self.lock:
            if self.last_temp_time < self.get_mcu().estimated_print_time(eventtime) - STALE_AFTER:
                return 0.0, self.target_temp
            return self.smoothed_temp, self.target_temp

    def check_busy(self, eventtime: float) -> bool:
        with self.lock:
            return self.control.check_busy(eventtime, self.smoothed_temp, self.target_temp)

    def set_control(self, control: Any) -> Any:
        with self.lock:
            old, self.control = self.control, control
            self.target_temp = 0.0
        return old

    def alter_target(self, target: float) -> None:
        if target:
            target = max(self.min_temp, min(self.max_temp, target))
        self.target_temp = target

    def stats(self, eventtime: float) -> None:
        """Feeds the main-thread watchdog, as klippy's statistics do once a second."""
        if not self.printer.is_shutdown():
            self.watchdog_time = self.get_mcu().estimated_print_time(eventtime) + 5.0

    def estimated_print_time(self, eventtime: float) -> float:
        return self.get_mcu().estimated_print_time(eventtime)

    def get_status(self, eventtime: float) -> dict[str, Any]:
        with self.lock:
            return {
                "temperature": round(self.smoothed_temp, 2),
                "target": self.target_temp,
                "power": self.last_pwm_value,
            }

    def _cmd_set_temperature(self, gcmd: Any) -> None:
        target = gcmd.get_float("TARGET", 0.0)
        self.printer.lookup_object("heaters").set_temperature(self, target)


class PrinterHeaters:
    def __init__(self, printer: Any) -> None:
        self.printer = printer
        self.heaters: dict[str, Heater] = {}
        self.gcode_ids: dict[str, Any] = {}
        self.available_heaters: list[str] = []
        self.available_sensors: list[str] = []
        self.available_monitors: list[str] = []
        gcode = printer.lookup_object("gcode")
        gcode.register_command("TURN_OFF_HEATERS", self._cmd_turn_off, desc="Turn off all heaters")
        gcode.register_command("M105", self._cmd_m105, when_not_ready=True)
        for code, heater, wait in (
            ("M104", "extruder", False),
            ("M109", "extruder", True),
            ("M140", "heater_bed", False),
            ("M190", "heater_bed", True),
        ):
            gcode.register_command(code, self._temperature_command(heater, wait))
        printer.register_event_handler("gcode:request_restart", self.turn_off_all_heaters)
        printer.get_reactor().register_timer(self._stats, printer.get_reactor().NOW)

    def _stats(self, eventtime: float) -> float:
        for heater in self.heaters.values():
            heater.stats(eventtime)
        return eventtime + 1.0

    def setup_heater(self, config: Any, gcode_id: Optional[str] = None) -> Heater:
        short = config.get_name().split()[-1]
        if short in self.heaters:
            raise ConfigError(f"Heater {short} already registered")
        heater = Heater(config, self.setup_sensor(config))
        self.heaters[short] = heater
        self.register_sensor(config, heater, gcode_id)
        self.available_heaters.append(config.get_name())
        return heater

    def setup_sensor(self, config: Any) -> Any:
        return self.printer.plants.sensor_of(config.get("sensor_type"))

    def register_sensor(self, config: Any, sensor: Any, gcode_id: Optional[str] = None) -> None:
        name = config.get_name()
        self.available_sensors.append(name)
        gcode = self.printer.lookup_object("gcode")
        gcode.register_mux_command(
            "TEMPERATURE_WAIT",
            "SENSOR",
            name,
            self._cmd_temperature_wait,
            desc="Wait for a temperature on a sensor",
        )
        gcode_id = gcode_id or config.get("gcode_id", None)
        if gcode_id is not None:
            self.gcode_ids[gcode_id] = sensor

    def get_all_heaters(self) -> list[str]:
        return self.available_heaters

    def lookup_heater(self, name: str) -> Heater:
        if name not in self.heaters:
            raise self.printer.config_error(f"Unknown heater '{name}'")
        return self.heaters[name]

    def get_status(self, eventtime: float) -> dict[str, Any]:
        return {
            "available_heaters": self.available_heaters,
            "available_sensors": self.available_sensors,
            "available_monitors": self.available_monitors,
        }

    def turn_off_all_heaters(self, print_time: float = 0.0) -> None:
        for heater in self.heaters.values():
            heater.set_temp(0.0)

    def set_temperature(self, heater: Heater, temp: float, wait: bool = False) -> None:
        self.printer.lookup_object("toolhead").note_activity()
        heater.set_temp(temp)
        if wait and temp:
            self._wait(lambda eventtime: heater.check_busy(eventtime))

    def _wait(self, busy: Any) -> None:
        reactor = self.printer.get_reactor()
        gcode = self.printer.lookup_object("gcode")
        eventtime = reactor.monotonic()
        while not self.printer.is_shutdown() and busy(eventtime):
            gcode.respond_raw(self._report(eventtime))
            eventtime = reactor.pause(eventtime + 1.0)

    def _report(self, eventtime: float) -> str:
        parts = []
        for code, sensor in sorted(self.gcode_ids.items()):
            temp, target = sensor.get_temp(eventtime)
            parts.append(f"{code}:{temp:.1f} /{target:.1f}")
        return " ".join(parts) or "T:0"

    def _temperature_command(self, default: str, wait: bool) -> Any:
        def run(gcmd: Any) -> None:
            temp = gcmd.get_float("S", 0.0)
            name = default
            if default == "extruder":
                index = gcmd.get_int("T", None, minval=0)
                if index:
                    name = f"extruder{index}"
            if name not in self.heaters:
                if temp > 0.0:
                    raise gcmd.error("Extruder not configured")
                return
            self.set_temperature(self.heaters[name], temp, wait)

        return run

    def _cmd_turn_off(self, gcmd: Any) -> None:
        self.turn_off_all_heaters()

    def _cmd_m105(self, gcmd: Any) -> None:
        gcmd.respond_raw(self._report(self.printer.get_reactor().monotonic()))

    def _cmd_temperature_wait(self, gcmd: Any) -> None:
        name = gcmd.get("SENSOR")
        low = gcmd.get_float("MINIMUM", float("-inf"))
        high = gcmd.get_float("MAXIMUM", float("inf"), above=low)
        if low == float("-inf") and high == float("inf"):
            raise gcmd.error("Error on 'TEMPERATURE_WAIT': missing MINIMUM or MAXIMUM.")
        sensor = self.heaters.get(name) or self.printer.lookup_object(name)
        self._wait(lambda eventtime: not low <= sensor.get_temp(eventtime)[0] <= high)
