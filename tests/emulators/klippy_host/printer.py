# The Printer object of the stand-in klippy host: objects, events, life cycle
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Loads a printer.cfg, the stand-in's own objects and the real extra, and runs them."""

from __future__ import annotations

import importlib
import logging
import os
import pathlib
import sys
import types
from typing import Any, Callable, Optional

from . import macros, objects, printing
from .config import ConfigError, ConfigSection, ConfigSource
from .gcode import CommandError, GCodeDispatch
from .heaters import PrinterHeaters
from .plants import PlantHub, read_plant
from .reactor import Reactor

LOG = logging.getLogger("klippy_host")
ROOT = pathlib.Path(__file__).resolve().parents[3]
EXTRAS = ROOT / "klippy_extras"
VERSION = "v0.13.0-0-standin"

MESSAGE_READY = "Printer is ready"
MESSAGE_STARTUP = (
    "Printer is not ready\nThe klippy host software is attempting to connect.  Please\n"
    "retry in a few moments."
)
MESSAGE_RESTART = (
    'Once the underlying issue is corrected, use the "RESTART"\n'
    "command to reload the config and restart the host software.\nPrinter is halted"
)
MESSAGE_SHUTDOWN = (
    'Once the underlying issue is corrected, use the\n"FIRMWARE_RESTART" command to reset the'
    " firmware, reload the\nconfig, and restart the host software.\nPrinter is shutdown"
)


def import_extra(name: str) -> Any:
    """Import ``extras.NAME``, as klippy does; None when there is no such extra."""
    if not (EXTRAS / name).is_dir():
        return None
    package = sys.modules.get("extras")
    if package is None:
        package = sys.modules["extras"] = types.ModuleType("extras")
        package.__path__ = [str(EXTRAS)]
    return importlib.import_module(f"extras.{name}")


class Plants:
    """The pins ``sim:NAME`` and the sensor types ``sim_NAME``."""

    def __init__(self, printer: Printer) -> None:
        self.hub = PlantHub(
            printer.get_reactor(),
            lambda eventtime: printer.lookup_object("mcu").estimated_print_time(eventtime),
        )
        printer.register_event_handler("klippy:ready", self.hub.start)

    def load(self, config: ConfigSection) -> Any:
        return self.hub.add(
            config.get_name().split()[-1],
            read_plant(config),
            config.getfloat("report_time", 0.3, above=0.0),
            config.get("cooled_by", None),
        )

    def pin_of(self, pin: str) -> str:
        chip, _, name = pin.strip().lstrip("!^~").partition(":")
        if chip != "sim" or not name:
            raise ConfigError(f"Unknown pin chip name '{chip}'")
        return name

    def sensor_of(self, sensor_type: str) -> Any:
        sensor = self.hub.sensors.get(sensor_type.replace("sim_", "", 1))
        if sensor is None:
            raise ConfigError(f"Unknown temperature sensor '{sensor_type}'")
        return sensor


class Printer:
    config_error = ConfigError
    command_error = CommandError

    def __init__(self, reactor: Reactor, start_args: dict[str, Any]) -> None:
        self.reactor = reactor
        self.start_args = start_args
        self.objects: dict[str, Any] = {}
        self.events: dict[str, list[Callable]] = {}
        self.state_message = MESSAGE_STARTUP
        self.in_shutdown = False
        self.run_result: Optional[str] = None
        self.source: Optional[ConfigSource] = None
        reactor.on_exception = self._on_exception
        self.objects["gcode"] = GCodeDispatch(self)
        self.objects["webhooks"] = objects.WebHooks(self)
        self.plants = Plants(self)

    # -- what extras use
    def get_reactor(self) -> Reactor:
        return self.reactor

    def get_start_args(self) -> dict[str, Any]:
        return self.start_args

    def add_object(self, name: str, obj: Any) -> None:
        if name in self.objects:
            raise ConfigError(f"Printer object '{name}' already created")
        self.objects[name] = obj

    def lookup_object(self, name: str, default: Any = ConfigSource) -> Any:
        if name in self.objects:
            return self.objects[name]
        if default is ConfigSource:
            raise ConfigError(f"Unknown config object '{name}'")
        return default

    def lookup_objects(self, module: Optional[str] = None) -> list[tuple[str, Any]]:
        if module is None:
            return list(self.objects.items())
        prefix = module + " "
        found = [(n, o) for n, o in self.objects.items() if n.startswith(prefix)]
        if module in self.objects:
            found.insert(0, (module, self.objects[module]))
        return found

    def load_object(self, config: Any, section: str, default: Any = ConfigSource) -> Any:
        if section in self.objects:
            return self.objects[section]
        parts = section.split()
        tables = (objects.SECTIONS, printing.SECTIONS, macros.SECTIONS)
        factory = next((table[parts[0]] for table in tables if parts[0] in table), None)
        named = config.getsection(section)
        if parts[0] == "sim_plant" and len(parts) > 1:
            self.objects[section] = self.plants.load(named)
        elif factory is not None:
            self.objects[section] = factory(named)
        else:
            module = import_extra(parts[0])
            init = getattr(module, "load_config_prefix" if len(parts) > 1 else "load_config", None)
            if init is None:
                if default is not ConfigSource:
                    return default
                raise ConfigError(f"Section '{section}' is not a valid config section")
            self.objects[section] = init(named)
        return self.objects[section]

    def register_event_handler(self, event: str, callback: Callable) -> None:
        self.events.setdefault(event, []).append(callback)

    def send_event(self, event: str, *params: Any) -> list[Any]:
        return [callback(*params) for callback in self.events.get(event, [])]

    def is_shutdown(self) -> bool:
        return self.in_shutdown

    def get_state_message(self) -> tuple[str, str]:
        if self.state_message == MESSAGE_READY:
            return self.state_message, "ready"
        if self.state_message == MESSAGE_STARTUP:
            return self.state_message, "startup"
        return self.state_message, "shutdown" if self.in_shutdown else "error"

    def invoke_shutdown(self, message: str, details: Any = None) -> None:
        if self.in_shutdown:
            return
        LOG.error("Transition to shutdown state: %s", message)
        self.in_shutdown = True
        self.state_message = f"{message}\n{MESSAGE_SHUTDOWN}"
        for callback in self.events.get("klippy:shutdown", []):
            try:
                callback()
            except Exception:
                LOG.exception("Exception during shutdown handler")

    def invoke_async_shutdown(self, message: str, details: Any = None) -> None:
        self.reactor.register_async_callback(lambda eventtime: self.invoke_shutdown(message))

    def request_exit(self, result: str) -> None:
        self.run_result = self.run_result or result
        self.reactor.end()

    # -- life cycle
    def restart(self, result: str) -> None:
        """RESTART and FIRMWARE_RESTART, with the events that klippy sends."""
        if not self.in_shutdown:
            self.send_event("gcode:request_restart", self.reactor.monotonic())
        self.request_exit(result)

    def _on_exception(self) -> None:
        self.invoke_shutdown("Unhandled exception during run")

    def _connect(self, eventtime: float) -> None:
        try:
            self._load()
            self.send_event("klippy:mcu_identify")
            for callback in self.events.get("klippy:connect", []):
                if self.state_message is not MESSAGE_STARTUP:
                    return
                callback()
        except ConfigError as err:
            LOG.error("Config error: %s", err)
            self.state_message = f"{err}\n{MESSAGE_RESTART}"
            return
        except Exception as err:
            LOG.exception("Unhandled exception during connect")
            self.state_message = f"Internal error during connect: {err}\n{MESSAGE_RESTART}"
            return
        try:
            self.state_message = MESSAGE_READY
            for callback in self.events.get("klippy:ready", []):
                callback()
        except Exception as err:
            LOG.exception("Unhandled exception during ready callback")
            self.invoke_shutdown(f"Internal error during ready callback: {err}")

    def _load(self) -> None:
        source = self.source = ConfigSource(pathlib.Path(self.start_args["config_file"]))
        config = ConfigSection(self, source, "printer")
        objects.add_early_objects(self, config)
        self.objects["heaters"] = PrinterHeaters(self)
        for section in source.parser.sections():
            if section.split()[0] not in ("printer", "extruder", "extruder1", "mcu"):
                self.load_object(config, section)
        for section in source.parser.sections():
            if section in ("extruder", "extruder1"):
                self.load_object(config, section)
        objects.add_late_objects(self, config)
        source.check_unused(self.objects)

    def run(self) -> str:
        """Run until somebody asks to restart or exit; returns which."""
        self.reactor.register_callback(self._connect)
        self.reactor.run()
        if self.run_result == "firmware_restart":
            self.send_event("klippy:firmware_restart")
        for callback in self.events.get("klippy:disconnect", []):
            try:
                callback()
            except Exception:
                LOG.exception("Exception during disconnect handler")
        self.reactor.finalize()
        return self.run_result or "exit"


def default_start_args(config_file: str, **more: Any) -> dict[str, Any]:
    return {
        "config_file": config_file,
        "apiserver": None,
        "start_reason": "startup",
        "software_version": VERSION,
        "cpu_info": f"{os.cpu_count()} core simulation",
        "log_file": None,
        **more,
    }
