# Status-only and small printer objects of the stand-in klippy host
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What a UI, Moonraker or an extra looks up besides the heaters."""

from __future__ import annotations

import logging
import math
from typing import Any, Callable

from .calibrate import PidCalibrate
from .config import ConfigError
from .motion import GCodeMove, Toolhead

LOG = logging.getLogger("klippy_host")


class WebRequestError(Exception):
    """An endpoint's refusal."""


class WebHooks:
    """Endpoints that the API server and extras share; the socket itself is in ``server``."""

    def __init__(self, printer: Any) -> None:
        self.printer = printer
        self._endpoints: dict[str, Callable] = {}
        self.remote_methods: dict[str, Callable[[dict], None]] = {}

    def register_endpoint(self, path: str, callback: Callable) -> None:
        if path in self._endpoints:
            raise ConfigError("Path already registered to an endpoint")
        self._endpoints[path] = callback

    def call_remote_method(self, method: str, **kwargs: Any) -> None:
        if method not in self.remote_methods:
            raise self.printer.command_error(f"Remote method '{method}' not registered")
        self.remote_methods[method](kwargs)

    def get_status(self, eventtime: float) -> dict[str, Any]:
        message, state = self.printer.get_state_message()
        return {"state": state, "state_message": message}


class Mcu:
    """One clock for everything: print time is the reactor's."""

    def __init__(self, printer: Any) -> None:
        self.printer = printer

    def estimated_print_time(self, eventtime: float) -> float:
        return eventtime

    def get_status(self, eventtime: float) -> dict[str, Any]:
        return {"mcu_version": "stand-in", "mcu_constants": {}, "last_stats": {}}


class Extruder:
    def __init__(self, config: Any) -> None:
        printer = config.get_printer()
        name = config.get_name()
        config.getfloat("nozzle_diameter", above=0.0)
        config.getfloat("filament_diameter", above=0.0)
        index = 0 if name == "extruder" else int(name[8:])
        self.heater = printer.lookup_object("heaters").setup_heater(config, f"T{index}")

    def get_heater(self) -> Any:
        return self.heater

    def get_status(self, eventtime: float) -> dict[str, Any]:
        status = self.heater.get_status(eventtime)
        status.update(
            can_extrude=self.heater.can_extrude,
            pressure_advance=0.0,
            smooth_time=0.04,
            motion_queue=None,
        )
        return status


class Fan:
    def __init__(self, config: Any) -> None:
        self.printer = config.get_printer()
        self.pin = self.printer.plants.pin_of(config.get("pin"))
        self.speed = 0.0
        gcode = self.printer.lookup_object("gcode")
        gcode.register_command("M106", lambda g: self._set(g.get_float("S", 255.0, minval=0.0)))
        gcode.register_command("M107", lambda g: self._set(0.0))
        self.printer.register_event_handler("gcode:request_restart", lambda t: self._set(0.0))

    def _set(self, value: float) -> None:
        self.speed = min(1.0, value / 255.0)
        self.printer.plants.hub.set_pin(self.pin, 0.0, self.speed)

    def get_status(self, eventtime: float) -> dict[str, Any]:
        return {"speed": self.speed, "rpm": None}


class TemperatureSensor:
    def __init__(self, config: Any) -> None:
        heaters = config.get_printer().lookup_object("heaters")
        self.last_temp = 0.0
        self.low, self.high = math.inf, -math.inf
        heaters.setup_sensor(config).setup_callback(self._on_temperature)
        heaters.register_sensor(config, self)

    def _on_temperature(self, read_time: float, temp: float) -> None:
        self.last_temp = temp
        self.low, self.high = min(self.low, temp), max(self.high, temp)

    def get_temp(self, eventtime: float) -> tuple[float, float]:
        return self.last_temp, 0.0

    def get_status(self, eventtime: float) -> dict[str, Any]:
        seen = self.high >= self.low
        return {
            "temperature": round(self.last_temp, 2),
            "measured_min_temp": round(self.low, 2) if seen else 0.0,
            "measured_max_temp": round(self.high, 2) if seen else 0.0,
        }


class TemperatureFan(TemperatureSensor):
    """Cools by watermark: full speed above the target, off below it."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.printer = config.get_printer()
        self.pin = self.printer.plants.pin_of(config.get("pin"))
        self.min_temp = config.getfloat("min_temp")
        self.max_temp = config.getfloat("max_temp", above=self.min_temp)
        self.max_delta = config.getfloat("max_delta", 2.0, above=0.0)
        self.target_temp = config.getfloat("target_temp", 40.0)
        config.getchoice("control", ["watermark"])
        self.speed = 0.0
        self.printer.lookup_object("gcode").register_mux_command(
            "SET_TEMPERATURE_FAN_TARGET",
            "TEMPERATURE_FAN",
            config.get_name().split()[-1],
            self._cmd_target,
            desc="Sets a temperature fan target and fan speed limits",
        )

    def _cmd_target(self, gcmd: Any) -> None:
        self.target_temp = gcmd.get_float("TARGET", self.target_temp)

    def get_temp(self, eventtime: float) -> tuple[float, float]:
        return self.last_temp, self.target_temp

    def _on_temperature(self, read_time: float, temp: float) -> None:
        super()._on_temperature(read_time, temp)
        speed = self.speed
        if temp >= self.target_temp + self.max_delta:
            speed = 1.0 if self.target_temp > 0.0 else 0.0
        elif temp <= self.target_temp - self.max_delta:
            speed = 0.0
        if speed != self.speed:
            self.speed = speed
            self.printer.plants.hub.set_pin(self.pin, read_time, speed)

    def get_status(self, eventtime: float) -> dict[str, Any]:
        return {
            "speed": self.speed,
            "rpm": None,
            "temperature": round(self.last_temp, 2),
            "target": self.target_temp,
        }


class DisplayStatus:
    def __init__(self, config: Any) -> None:
        self.printer = config.get_printer()
        self.message: Any = None
        self.progress: Any = None
        gcode = self.printer.lookup_object("gcode")
        gcode.register_command("M73", self._cmd_progress)
        gcode.register_command("M117", self._cmd_message)
        gcode.register_command(
            "SET_DISPLAY_TEXT",
            lambda gcmd: setattr(self, "message", gcmd.get("MSG", None)),
            desc="Set or clear the display message",
        )

    def _cmd_progress(self, gcmd: Any) -> None:
        self.progress = min(1.0, max(0.0, gcmd.get_float("P", 0.0) / 100.0))

    def _cmd_message(self, gcmd: Any) -> None:
        self.message = gcmd.get_raw_command_parameters() or None

    def get_status(self, eventtime: float) -> dict[str, Any]:
        progress = self.progress
        if progress is None:
            card = self.printer.lookup_object("virtual_sdcard", None)
            progress = card.progress() if card is not None else 0.0
        return {"progress": progress, "message": self.message}


class IdleTimeout:
    def __init__(self, config: Any) -> None:
        self.printer = config.get_printer()
        self.timeout = config.getfloat("timeout", 600.0, above=0.0)
        config.get("gcode", None)

    def get_status(self, eventtime: float) -> dict[str, Any]:
        stats = self.printer.lookup_object("print_stats", None)
        printing = stats is not None and stats.state == "printing"
        busy = printing or self.printer.lookup_object("gcode").get_mutex().test()
        state = "Printing" if busy else "Ready"
        return {"state": state, "printing_time": 0.0}


class ConfigFile:
    def __init__(self, printer: Any) -> None:
        self.printer = printer

    def get_status(self, eventtime: float) -> dict[str, Any]:
        source = self.printer.source
        return {
            "config": source.as_dict(),
            "settings": source.settings,
            "warnings": [],
            "save_config_pending": False,
            "save_config_pending_items": {},
        }


class SystemStats:
    def get_status(self, eventtime: float) -> dict[str, Any]:
        return {"sysload": 0.1, "cputime": 1.0, "memavail": 1000000}


class _Accepted:
    """A section whose options are taken and have no effect here (verify_heater)."""

    def __init__(self, config: Any) -> None:
        for option in config.get_prefix_options(""):
            config.get(option)


def _heater_bed(config: Any) -> Any:
    return config.get_printer().lookup_object("heaters").setup_heater(config, "B")


def _heater_generic(config: Any) -> Any:
    return config.get_printer().lookup_object("heaters").setup_heater(config)


SECTIONS: dict[str, Callable[[Any], Any]] = {
    "extruder": Extruder,
    "extruder1": Extruder,
    "heater_bed": _heater_bed,
    "heater_generic": _heater_generic,
    "fan": Fan,
    "temperature_fan": TemperatureFan,
    "temperature_sensor": TemperatureSensor,
    "display_status": DisplayStatus,
    "idle_timeout": IdleTimeout,
    "verify_heater": _Accepted,
}


def add_early_objects(printer: Any, config: Any) -> None:
    printer.add_object("configfile", ConfigFile(printer))
    printer.add_object("mcu", Mcu(printer))
    speed = float(printer.get_start_args().get("speed", 1.0))
    toolhead = Toolhead(printer, config, speed)
    printer.add_object("toolhead", toolhead)
    printer.add_object("gcode_move", GCodeMove(printer, toolhead))
    printer.add_object("system_stats", SystemStats())


def add_late_objects(printer: Any, config: Any) -> None:
    printer.load_object(config, "idle_timeout")
    printer.load_object(config, "print_stats")
    printer.add_object("pid_calibrate", PidCalibrate(printer))
