# What can be asked of a printer, who may ask it, and how it is answered
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Commands and verdicts; ``proofs`` says what shows that a command took effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Optional

from .model import PrinterSnapshot, PrintState


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

#: what a printer does even when it takes no commands (``Accepts.NO``)
ALWAYS_TAKEN = frozenset({Action.LIGHT})


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
