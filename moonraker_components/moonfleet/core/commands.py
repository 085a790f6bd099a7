# What can be asked of a printer, who may ask it, and what shows that it happened
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Commands and their proof.

A command is accepted only when the printer's own state shows its effect, so each action carries
the predicate that a later snapshot must satisfy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Optional

from .model import Filament, PrinterSnapshot, PrintState


class Control(str, Enum):
    """The ``control`` option: what callers may do to a printer."""

    NONE = "none"
    JOBS = "jobs"
    FULL = "full"


class Action(str, Enum):
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    START = "start"
    SPEED = "speed"
    LIGHT = "light"
    TEMPERATURE = "temperature"
    FAN = "fan"
    SKIP_OBJECTS = "skip_objects"
    LOAD_FILAMENT = "load_filament"
    UNLOAD_FILAMENT = "unload_filament"
    SET_FILAMENT = "set_filament"
    DRY = "dry"
    CLEAR_ERROR = "clear_error"
    SET_READY = "set_ready"
    GCODE = "gcode"
    DELETE_FILE = "delete_file"


JOB_ACTIONS = frozenset(
    {
        Action.PAUSE,
        Action.RESUME,
        Action.CANCEL,
        Action.START,
        Action.SPEED,
        Action.LIGHT,
        Action.SET_READY,
    }
)


class Verdict(str, Enum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True)
class Command:
    action: Action
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CommandResult:
    """``{"result": accepted|rejected|unconfirmed, "reason": text or null, "state": ...}``."""

    verdict: Verdict
    reason: Optional[str] = None
    state: Optional[PrintState] = None

    def to_json(self) -> dict[str, Any]:
        return {
            "result": self.verdict.value,
            "reason": self.reason,
            "state": self.state.value if self.state else None,
        }


def needed_control(action: Action) -> Control:
    return Control.JOBS if action in JOB_ACTIONS else Control.FULL


def permits(level: Control, action: Action) -> bool:
    order = (Control.NONE, Control.JOBS, Control.FULL)
    return order.index(level) >= order.index(needed_control(action))


def wrong_state(command: Command, snapshot: PrinterSnapshot) -> Optional[str]:
    """Why the command makes no sense now, or None."""
    state = snapshot.state
    if command.action is Action.PAUSE and state is not PrintState.PRINTING:
        return "nothing is printing"
    if command.action is Action.RESUME and state is not PrintState.PAUSED:
        return "nothing is paused"
    if command.action is Action.CANCEL and state not in (PrintState.PRINTING, PrintState.PAUSED):
        return "no job is running"
    if command.action is Action.START and state in (PrintState.PRINTING, PrintState.PAUSED):
        return "a job is already running"
    return None


def confirmed(command: Command, before: PrinterSnapshot, now: PrinterSnapshot) -> bool:
    """Whether ``now`` proves that ``command``, sent when ``before`` held, took effect."""
    action, params = command.action, command.params
    if action is Action.PAUSE:
        return now.state is PrintState.PAUSED
    if action is Action.RESUME:
        return now.state is PrintState.PRINTING
    if action is Action.CANCEL:
        return now.state not in (None, PrintState.PRINTING, PrintState.PAUSED)
    if action is Action.START:
        return now.state is PrintState.PRINTING and before.state is not PrintState.PRINTING
    if action is Action.SPEED:
        factor = params.get("factor")
        return (
            now.speed_factor is not None
            and isinstance(factor, (int, float))
            and abs(now.speed_factor - factor) < 0.005
        )
    if action is Action.LIGHT:
        return now.lights.get(str(params.get("name"))) == params.get("mode")
    if action is Action.TEMPERATURE:
        heater = now.heaters.get(str(params.get("heater")))
        return heater is not None and heater.target == params.get("target")
    if action is Action.SET_READY:
        return now.stage == "ready"
    if action is Action.FAN:
        speed, told = params.get("speed"), now.fans.get(str(params.get("name")))
        # printers report their fans in steps of a sixteenth
        return told is not None and isinstance(speed, (int, float)) and abs(told - speed) < 0.04
    if action is Action.CLEAR_ERROR:
        return len(now.faults) < len(before.faults)
    return _filament_confirmed(command, before, now)


def _filament_confirmed(command: Command, before: PrinterSnapshot, now: PrinterSnapshot) -> bool:
    action, params = command.action, command.params
    if now.filament is None:
        return False
    if action is Action.LOAD_FILAMENT:
        return (params.get("unit"), params.get("slot")) in now.filament.active.values()
    if action is Action.UNLOAD_FILAMENT:
        loaded = before.filament.active if before.filament is not None else {}
        return len(now.filament.active) < max(1, len(loaded))
    if action is Action.SET_FILAMENT:
        return _slot_shows(params, now.filament)
    if action is Action.DRY:
        for unit in now.filament.units:
            if unit.id == params.get("unit"):
                return (unit.drying is not None) is bool(params.get("hours"))
    return False


def _slot_shows(params: Mapping[str, Any], filament: Filament) -> bool:
    slots = filament.external
    for unit in filament.units:
        if unit.id == params.get("unit"):
            slots = unit.slots
    return any(
        slot.index == params.get("slot")
        and slot.material == params.get("material")
        and slot.color == params.get("color")
        for slot in slots
    )
