# The local Klipper as one more printer of the fleet
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Reads Moonraker's own subscription, which is handed in: nothing of Moonraker is imported.

The component calls ``ready``, ``shut_down`` and ``gone`` when Moonraker says so; subscriptions are
dropped by Moonraker at each disconnect and made anew at each ``ready``.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional, Protocol

from ..core.commands import Action, Command
from ..core.errors import CommandRejected, NotConnected, NotSupported, one_line
from ..core.model import Accepts, Heater, Job, JobPhase, JobReport, PrinterSnapshot, PrintState
from .base import Bridge, BridgeHost, Connection, Link

if TYPE_CHECKING:
    from ..thermal.types import Estimate

ANSWER_TIME = 2.0  # s; a refusal comes at once, a macro behind the G-code mutex may take minutes
HEATERS = {
    "extruder": "extruder",
    "extruder1": "extruder1",
    "heater_bed": "heater_bed",
    "heater_generic chamber": "chamber",
    "temperature_fan chamber": "chamber",
    "temperature_sensor chamber": "chamber",
}
FANS = {"fan": "part", "fan_generic aux": "aux", "fan_generic chamber": "chamber"}
WANTED = ("webhooks", "print_stats", "virtual_sdcard", "display_status", "gcode_move")
PHASES = {
    PrintState.STANDBY: JobPhase.NONE,
    PrintState.PRINTING: JobPhase.ACTIVE,
    PrintState.PAUSED: JobPhase.PAUSED,
    PrintState.COMPLETE: JobPhase.COMPLETED,
    PrintState.CANCELLED: JobPhase.CANCELLED,
    PrintState.ERROR: JobPhase.FAILED,
}
ETA = "heater_eta "


class Klippy(Protocol):
    """The part of Moonraker's ``klippy_apis`` that is used here."""

    async def get_object_list(self, default: Any = ...) -> list[str]: ...

    async def subscribe_objects(
        self,
        objects: Mapping[str, Optional[list[str]]],
        callback: Optional[Callable[[dict[str, Any], float], None]] = ...,
        default: Any = ...,
    ) -> dict[str, Any]: ...

    async def pause_print(self) -> str: ...

    async def resume_print(self) -> str: ...

    async def cancel_print(self) -> str: ...


class KlipperBridge(Bridge):
    actions = frozenset({Action.PAUSE, Action.RESUME, Action.CANCEL})
    confirm_timeout = 60.0
    predicts = True

    def __init__(self, klippy: Klippy, host: BridgeHost, clock: Callable[[], float]) -> None:
        self._klippy = klippy
        self._host = host
        self._clock = clock
        self._status: dict[str, dict[str, Any]] = {}
        self._estimates: dict[str, Estimate] = {}
        self._requests: set[asyncio.Task[Any]] = set()
        self._online = False

    async def start(self) -> None:
        self._host.on_connection(Connection(Link.CONNECTING, "waiting for Klipper"))

    async def stop(self) -> None:
        self._online = False
        for task in list(self._requests):
            task.cancel()
        await asyncio.gather(*self._requests, return_exceptions=True)

    # ---- what the component tells -------------------------------------------------------------

    async def ready(self) -> None:
        """Klipper is ready: read everything once, then follow the changes."""
        self._status, self._estimates = {}, {}
        try:
            known = await self._klippy.get_object_list()
            wanted: dict[str, Optional[list[str]]] = {
                name: None
                for name in known
                if name in WANTED or name in HEATERS or name in FANS or name.startswith(ETA)
            }
            status = await self._klippy.subscribe_objects(wanted, self._updated)
        except Exception as error:
            message = f"Klipper did not answer: {one_line(str(error))}; see klippy.log"
            self._host.on_connection(Connection(Link.FAULT, message))
            return
        self._online = True
        self._host.on_connection(Connection(Link.ONLINE))
        self._updated(status, self._clock())

    def shut_down(self, message: str) -> None:
        first = one_line(message.strip().split("\n")[0]) if message.strip() else "no reason given"
        self._offline(Link.FAULT, f"Klipper is shut down: {first}; see klippy.log, then restart it")

    def gone(self) -> None:
        self._offline(Link.UNREACHABLE, "Klipper's host process is not running; start it")

    def _offline(self, state: Link, message: str) -> None:
        self._online = False
        self._estimates = {}
        self._host.on_heaters({})
        self._host.on_connection(Connection(state, message))

    # ---- reports ----------------------------------------------------------------------------

    def _updated(self, changes: dict[str, Any], eventtime: float) -> None:
        if not self._online:
            return
        mine = False
        for name, values in changes.items():
            if not isinstance(values, dict):
                continue
            if name in WANTED or name in HEATERS or name in FANS or name.startswith(ETA):
                self._status.setdefault(name, {}).update(values)
                mine = True
            if name.startswith(ETA):
                estimate = estimate_of(self._status[name], self._clock())
                if estimate is not None:
                    self._estimates[name[len(ETA) :]] = estimate
        if not mine:
            return
        if self._estimates:
            self._host.on_heaters(dict(self._estimates))
        self._host.on_snapshot(snapshot_of(self._status))

    # ---- commands ---------------------------------------------------------------------------

    async def send(self, command: Command) -> None:
        if not self._online:
            raise NotConnected("Klipper is not ready")
        calls = {
            Action.PAUSE: self._klippy.pause_print,
            Action.RESUME: self._klippy.resume_print,
            Action.CANCEL: self._klippy.cancel_print,
        }
        call = calls.get(command.action)
        if call is None:
            raise NotSupported(f"the local printer takes no '{command.action.value}' from here")
        task = asyncio.ensure_future(call())
        self._requests.add(task)
        task.add_done_callback(self._answered)
        done, _ = await asyncio.wait({task}, timeout=ANSWER_TIME)
        if done and not task.cancelled() and task.exception() is not None:
            raise CommandRejected(one_line(str(task.exception())))

    def _answered(self, task: asyncio.Task[Any]) -> None:
        self._requests.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._host.logger.debug("klipper: command failed: %s", task.exception())


def snapshot_of(status: Mapping[str, Mapping[str, Any]]) -> PrinterSnapshot:
    """Printer objects to a snapshot; anything of a wrong type counts as not said."""
    stats = status.get("print_stats", {})
    try:
        state: Optional[PrintState] = PrintState(stats.get("state"))
    except ValueError:
        state = None
    heaters: dict[str, Heater] = {}
    for name, ours in HEATERS.items():
        values = status.get(name)
        if values is not None and ours not in heaters:
            heaters[ours] = Heater(number(values, "temperature"), number(values, "target"))
    fans = {ours: number(status.get(name, {}), "speed") for name, ours in FANS.items()}
    filename = stats.get("filename") or None
    phase = PHASES[state] if state is not None else JobPhase.HELD
    message = stats.get("message")
    return PrinterSnapshot(
        state=state,
        message=message if isinstance(message, str) and message else None,
        heaters=heaters,
        fans={name: speed for name, speed in fans.items() if speed is not None},
        speed_factor=number(status.get("gcode_move", {}), "speed_factor"),
        job=_job(status, filename) if isinstance(filename, str) else None,
        accepts_commands=Accepts.YES,
        job_report=JobReport(phase, filename if isinstance(filename, str) else None),
    )


def _job(status: Mapping[str, Mapping[str, Any]], filename: str) -> Job:
    stats = status.get("print_stats", {})
    info = stats.get("info")
    info = info if isinstance(info, dict) else {}
    progress = number(status.get("display_status", {}), "progress")
    if progress is None:
        progress = number(status.get("virtual_sdcard", {}), "progress")
    layer, layers = number(info, "current_layer"), number(info, "total_layer")
    return Job(
        name=filename.rsplit("/", 1)[-1],
        filename=filename,
        progress=progress,
        print_duration=number(stats, "print_duration"),
        layer=None if layer is None else int(layer),
        layers=None if layers is None else int(layers),
    )


def estimate_of(status: Mapping[str, Any], now: float) -> Optional[Estimate]:
    """A ``heater_eta <heater>`` object as an ``Estimate``; None without the thermal package."""
    try:
        from ..thermal.types import Estimate, HeaterState
    except ImportError:
        return None
    try:
        state = HeaterState(status.get("state"))
    except ValueError:
        state = HeaterState.UNKNOWN
    heating, eta = bool(status.get("heating")), number(status, "eta")
    learned, health = number(status, "learned"), status.get("health")
    return Estimate(
        state=state,
        heating=heating,
        ready=bool(status.get("ready")),
        eta=eta,
        eta_reached=number(status, "eta_reached"),
        eta_low=number(status, "eta_low"),
        eta_high=number(status, "eta_high"),
        progress=number(status, "progress"),
        rate=number(status, "rate"),
        learned=0 if learned is None else int(learned),
        finish_time=now + eta if heating and eta is not None else None,
        cooldown_eta=number(status, "cooldown_eta"),
        health=health if isinstance(health, str) else None,
    )


def number(values: Mapping[str, Any], key: str) -> Optional[float]:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)
