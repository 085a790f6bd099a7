# The hub of heater_eta: options, events, the one timer, the object for the whole printer
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Glue between klippy and the model. An exception here would stop a print: every timer body and
every event handler catches everything, says so once in the log, and goes on."""

from __future__ import annotations

import logging
import pathlib
import time
from typing import Any, Callable, Optional

from . import compat, storage
from .commands import Commands
from .companion import add_companions
from .display import Countdown
from .fans import FanMonitor
from .monitor import HeaterMonitor
from .preheat import Preheat
from .publish import printer_status

SAMPLE_TIME = 0.25  # ADC sensors report every 0.3 s
SAVE_DELAY = 5.0
FAN_STEP = 0.2  # a smaller change of the part fan disturbs nobody
FAN_SHARE = 0.3
TOOL_SHARE = 0.2
MAX_COMPLAINTS = 30
SLICE = 0.0003  # s; a tick that took longer has done its share of learning
LAST_SLICES = 1000


def load_override(config: Any) -> HeaterMonitor:
    """``[heater_eta <heater>]``: the object of that heater, with its options."""
    printer = config.get_printer()
    printer.load_object(config, "heater_eta")
    short = config.get_name().split(None, 1)[1].strip()
    # a chamber often has a heater and a fan of one name: the heater is meant then
    is_fan = config.has_section(f"temperature_fan {short}") and not (
        config.has_section(f"heater_generic {short}") or config.has_section(short)
    )
    monitor = FanMonitor(short) if is_fan else HeaterMonitor(short)
    monitor.configure(config)
    return monitor


class HeaterEta:
    def __init__(self, config: Any) -> None:
        self.printer = config.get_printer()
        self.reactor = self.printer.get_reactor()
        start_args = self.printer.get_start_args()
        path = config.get("path", None)
        self.path = (
            pathlib.Path(path).expanduser()
            if path
            else storage.default_path(str(start_args.get("config_file") or "printer.cfg"))
        )
        self.exclude = set(config.getlist("exclude", ()))
        self.want_companions = config.getboolean("mainsail_rows", False)
        self.want_display = config.getboolean("display", False)
        self.store = storage.Store(self.path)
        self.stored: dict[str, Any] = {}
        self.monitors: dict[str, HeaterMonitor] = {}
        self.preheat = Preheat(self)
        self.countdown: Optional[Countdown] = None
        self.cancelled = 0  # counts calls of the cancel endpoints
        self.job_cancelled = 0
        self._status = printer_status({})
        self._seen: list[Any] = []
        self._revisions: dict[str, int] = {}
        self._save_at = self.reactor.NEVER
        self._fan_speed = 0.0
        self._slow_at = 0.0
        self._turn = 0
        self._complaints: set[str] = set()
        Commands(self)
        self.printer.lookup_object("webhooks").register_endpoint(
            "heater_eta/cancel", self._handle_cancel
        )
        for event, handler in (
            ("klippy:connect", self._connect),
            ("klippy:ready", self._ready),
            ("klippy:disconnect", self._guarded("disconnect", self._disconnect)),
            ("extruder:activate_extruder", self._guarded("tool change", self._tool_changed)),
        ):
            self.printer.register_event_handler(event, handler)

    # -- nothing of ours may stop the printer
    def complain(self, where: str, err: BaseException) -> None:
        """Log each error of ours once; a log is not a flood."""
        complaint = f"{where}: {type(err).__name__}: {err}"
        if complaint not in self._complaints and len(self._complaints) < MAX_COMPLAINTS:
            self._complaints.add(complaint)
            logging.exception("heater_eta: %s failed; the printer is not affected", where)

    def _guarded(self, where: str, handler: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                handler()
            except Exception as err:
                self.complain(where, err)

        return run

    # -- start
    def _connect(self) -> None:
        heaters = self.printer.lookup_object("heaters", None)
        known = dict(heaters.heaters) if heaters is not None else {}
        fans = {
            name.split()[-1]: fan for name, fan in self.printer.lookup_objects("temperature_fan")
        }
        self._check_names(known, fans)
        self.stored = storage.load(self.path)
        try:
            config_status = self.printer.lookup_object("configfile").get_status(0.0)
        except Exception as err:
            self.complain("reading the configuration", err)
            config_status = {}
        for short, heater in {**fans, **known}.items():
            if short in self.exclude:
                continue
            monitor = self._monitor_for(short, short in known)
            if monitor is None:
                continue
            sensor = compat.sensor_type_of(config_status, str(getattr(heater, "name", short)))
            monitor.bind(heater, sensor, self.stored.get(short))
            self.monitors[short] = monitor
            self._revisions[short] = monitor.revision()
        # CANCEL_PRINT itself has to wait until our waiting command has ended
        compat.before_endpoint(
            self.printer.lookup_object("webhooks"),
            "pause_resume/cancel",
            self._guarded("cancelling", self._job_is_cancelled),
        )
        if self.want_companions:
            add_companions(self.printer, self.monitors)
        if self.want_display:
            self.countdown = Countdown(self.printer)
        self._status = printer_status(self._statuses())

    def _check_names(self, known: dict[str, Any], fans: dict[str, Any]) -> None:
        """Names in the configuration must be heaters of this printer."""
        named = [
            (f"[{n}]", m.name)
            for n, m in self.printer.lookup_objects("heater_eta")
            if isinstance(m, HeaterMonitor)
        ]
        named += [("[heater_eta] exclude", name) for name in sorted(self.exclude)]
        for where, name in named:
            if name not in known and name not in fans:
                have = ", ".join(sorted([*known, *fans])) or "none"
                raise self.printer.config_error(
                    f"{where}: there is no heater '{name}' (heaters of this printer: {have})"
                )

    def _monitor_for(self, short: str, is_heater: bool) -> Optional[HeaterMonitor]:
        name = f"heater_eta {short}"
        monitor = self.printer.lookup_object(name, None)
        if monitor is None:
            monitor = HeaterMonitor(short) if is_heater else FanMonitor(short)
            self.printer.add_object(name, monitor)
        return monitor if isinstance(monitor, HeaterMonitor) else None

    def _ready(self) -> None:
        self.reactor.register_timer(self._tick, self.reactor.NOW)

    # -- the timer
    def _tick(self, eventtime: float) -> float:
        try:
            self._sample_all(eventtime)
        except Exception as err:
            self.complain("the timer", err)
        return eventtime + SAMPLE_TIME

    def _sample_all(self, eventtime: float) -> None:
        shutdown = self.printer.is_shutdown()
        for name, monitor in self.monitors.items():
            try:
                monitor.sample(eventtime, shutdown)
            except Exception as err:
                self.complain(f"following {name}", err)
                monitor.give_up()
        current = [monitor.get_status(eventtime) for monitor in self.monitors.values()]
        if len(current) != len(self._seen) or any(
            new is not old for new, old in zip(current, self._seen)
        ):
            self._seen = current
            status = printer_status(self._statuses())
            if status != self._status:
                self._status = status
        self.preheat.step(eventtime, shutdown)
        self._learn(eventtime)
        if eventtime >= self._slow_at:
            self._slow_at = eventtime + 0.99
            self._watch_fan(eventtime)
            if self.countdown is not None:
                self.countdown.show(self._status)

    def _statuses(self) -> dict[str, dict[str, Any]]:
        return {n: m.get_status(0.0) for n, m in self.monitors.items() if m.can_heat}

    def _learn(self, eventtime: float) -> None:
        """One slice of learning per tick, and a save once there is something new."""
        monitors = list(self.monitors.values())
        begun = time.perf_counter()
        for _ in monitors:
            self._turn = (self._turn + 1) % len(monitors)
            if monitors[self._turn].work():
                self._turn -= 1  # the same heater goes on at the next tick
                break
            if time.perf_counter() - begun > SLICE:
                break
        if self._something_new():
            self._save_at = min(self._save_at, eventtime + SAVE_DELAY)
        if eventtime >= self._save_at:
            self._save_at = self.reactor.NEVER
            self.save()

    def _something_new(self) -> bool:
        revisions = {name: monitor.revision() for name, monitor in self.monitors.items()}
        new = revisions != self._revisions
        self._revisions = revisions
        return new

    def save(self) -> None:
        for name, monitor in self.monitors.items():
            if monitor.learn:
                self.stored[name] = monitor.to_dict()
        self.store.save_soon(dict(self.stored))

    def forget(self, monitor: HeaterMonitor) -> None:
        monitor.reset()
        self.stored.pop(monitor.name, None)
        self._revisions[monitor.name] = monitor.revision()
        self.save()

    # -- disturbances
    def _watch_fan(self, eventtime: float) -> None:
        fan = self.printer.lookup_object("fan", None)
        if fan is None:
            return
        speed = compat.finite(fan.get_status(eventtime).get("speed")) or 0.0
        if abs(speed - self._fan_speed) >= FAN_STEP:
            self._fan_speed = speed
            self._disturb_hotends(FAN_SHARE)

    def _tool_changed(self) -> None:
        self._disturb_hotends(TOOL_SHARE)

    def _disturb_hotends(self, share: float) -> None:
        for monitor in self.monitors.values():
            if monitor.name.startswith("extruder"):
                monitor.disturb(share)

    # -- end
    def _handle_cancel(self, web_request: Any) -> None:
        self.cancelled += 1
        # klippy answers an error of an endpoint with a shutdown
        self._guarded("cancelling", lambda: self.preheat.cancel("cancelled"))()

    def _job_is_cancelled(self) -> None:
        self.job_cancelled += 1
        self.cancelled += 1

    def _disconnect(self) -> None:
        for monitor in self.monitors.values():
            for _ in range(LAST_SLICES):  # the reactor has ended: nobody waits
                if not monitor.work():
                    break
        if self._something_new() or self._save_at < self.reactor.NEVER:
            self.save()
        self.store.finish()

    def get_status(self, eventtime: float) -> dict[str, Any]:
        return self._status
