# The vocabulary of the house: what a printer is said to be, in Klipper's words and units
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Frozen data that every room shares.

A ``PrinterSnapshot`` is what one printer says of itself at one moment. Units are Klipper's: degrees
Celsius, seconds, 0..1 for progress, fans and remaining filament. ``None`` means the printer did not
say; nothing is ever invented. Bridges build snapshots; everybody else only reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Optional

HEATER_NAMES = ("extruder", "extruder1", "heater_bed", "chamber")
FAN_NAMES = ("part", "aux", "chamber", "heatbreak")


class PrintState(str, Enum):
    """``print_stats.state`` of Klipper."""

    STANDBY = "standby"
    PRINTING = "printing"
    PAUSED = "paused"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    ERROR = "error"


class Severity(str, Enum):
    FATAL = "fatal"
    SERIOUS = "serious"
    COMMON = "common"
    INFO = "info"


class Accepts(str, Enum):
    """Whether the printer takes control commands (Bambu: developer mode)."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Heater:
    temperature: Optional[float] = None
    target: Optional[float] = None
    settable: bool = True  # False: this model tells a target of 0 and has nothing to heat with


@dataclass(frozen=True)
class Job:
    """The job on the printer's own screen: the running one, or the last while it is still shown."""

    name: Optional[str] = None
    filename: Optional[str] = None
    progress: Optional[float] = None
    time_left: Optional[float] = None
    print_duration: Optional[float] = None
    layer: Optional[int] = None
    layers: Optional[int] = None
    origin: Optional[str] = None


@dataclass(frozen=True)
class SlicedPlate:
    """What a slicer wrote about one plate of a file."""

    index: int
    print_time: Optional[float] = None  # s
    weight: Optional[float] = None  # g
    filament_length: Optional[float] = None  # mm
    materials: tuple[str, ...] = ()
    objects: Mapping[int, str] = field(default_factory=dict)  # number to skip it by -> name


@dataclass(frozen=True)
class Slot:
    index: int
    present: Optional[bool] = None
    material: Optional[str] = None
    color: Optional[str] = None  # RRGGBB, upper case
    remaining: Optional[float] = None  # 0..1


@dataclass(frozen=True)
class Drying:
    time_left: Optional[float] = None
    temperature: Optional[float] = None


@dataclass(frozen=True)
class FilamentUnit:
    id: int  # as the printer says
    kind: Optional[str] = None
    humidity: Optional[float] = None  # %RH
    temperature: Optional[float] = None
    drying: Optional[Drying] = None
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True)
class Filament:
    units: tuple[FilamentUnit, ...] = ()
    external: tuple[Slot, ...] = ()
    # {extruder name: (unit id or None for an external spool, slot index)}
    active: Mapping[str, tuple[Optional[int], int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    code: str
    severity: Severity
    url: Optional[str] = None


class JobPhase(str, Enum):
    """What a report says about the job, before the tracker interprets it.

    ``HELD`` is "the printer is busy and says nothing of its job": it neither starts nor ends one.
    """

    NONE = "none"
    ACTIVE = "active"
    PAUSED = "paused"
    HELD = "held"
    COMPLETED = "completed"
    FAILED = "failed"  # ended without success; cancel_echo tells a cancel from a fault
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class JobReport:
    """The facts a bridge supplies for the job tracker with each snapshot (never shown to people).

    ``identity`` names the run as well as the device can. ``unique`` says it is never used again for
    another run (a Prusa job id, a Bambu cloud id); where it is False, a reprint of the same file
    looks the same and the tracker must tell them apart by time, progress and layers. ``number`` is
    a device counter whose gaps count runs nobody saw. ``system`` runs (calibrations) are no jobs.
    """

    phase: JobPhase = JobPhase.NONE
    identity: Optional[str] = None
    unique: bool = False
    number: Optional[int] = None
    system: bool = False
    cancel_echo: bool = False
    preparing: bool = False  # ACTIVE, but nothing is printed yet: no print time (Bambu PREPARE)
    skipped: tuple[int, ...] = ()  # objects of the plate that are left out
    renumbers: bool = True  # the same print may go on under this new identity (MK3, SD card)


@dataclass(frozen=True)
class JobRules:
    """Per-brand facts of the job life cycle, in seconds (see the bridges' documentation)."""

    cancel_window: float = 0.0  # a FAILED waits this long, either side, for a cancel echo
    identity_settle: float = 0.0  # names may still change this long after a start
    idle_confirmations: int = 1  # reports without a job before its end is inferred
    finish_slack: float = 120.0  # an unseen end this close to the predicted one is a completion
    number_modulus: Optional[int] = None  # the device's job counter wraps here
    names_ends: bool = True  # an end is shown with the identity of the run that ended
    idle_status: str = "interrupted"  # what a watched job became that is gone without a word


@dataclass(frozen=True)
class PrinterSnapshot:
    state: Optional[PrintState] = None
    message: Optional[str] = None
    stage: Optional[str] = None
    heaters: Mapping[str, Heater] = field(default_factory=dict)  # keys of HEATER_NAMES
    fans: Mapping[str, float] = field(default_factory=dict)  # keys of FAN_NAMES, 0..1
    speed_factor: Optional[float] = None
    job: Optional[Job] = None
    filament: Optional[Filament] = None
    faults: tuple[Fault, ...] = ()
    lights: Mapping[str, str] = field(default_factory=dict)  # on, off, flashing
    firmware: Optional[str] = None
    model: Optional[str] = None
    accepts_commands: Accepts = Accepts.UNKNOWN
    job_report: JobReport = JobReport()

    def to_json(self) -> dict[str, Any]:
        """The public shape: every key present, ``None`` where the printer is silent.

        ``{state, message, stage, heaters: {extruder, extruder1, heater_bed, chamber: null or
        {temperature, target}}, fans, speed_factor, job, filament, faults, lights, firmware, model,
        accepts_commands}``; ``job_report`` stays inside.
        """
        return {
            "state": self.state.value if self.state else None,
            "message": self.message,
            "stage": self.stage,
            "heaters": {name: _heater_json(self.heaters.get(name)) for name in HEATER_NAMES},
            "fans": {name: self.fans.get(name) for name in FAN_NAMES},
            "speed_factor": self.speed_factor,
            "job": None if self.job is None else dict(vars(self.job)),
            "filament": None if self.filament is None else _filament_json(self.filament),
            "faults": [
                {"code": f.code, "severity": f.severity.value, "url": f.url} for f in self.faults
            ],
            "lights": dict(self.lights),
            "firmware": self.firmware,
            "model": self.model,
            "accepts_commands": self.accepts_commands.value,
        }


def _heater_json(heater: Optional[Heater]) -> Optional[dict[str, Any]]:
    if heater is None:
        return None
    return {"temperature": heater.temperature, "target": heater.target}


def _slot_json(slot: Slot) -> dict[str, Any]:
    return dict(vars(slot))


def _filament_json(filament: Filament) -> dict[str, Any]:
    return {
        "units": [
            {
                "id": unit.id,
                "kind": unit.kind,
                "humidity": unit.humidity,
                "temperature": unit.temperature,
                "drying": None if unit.drying is None else dict(vars(unit.drying)),
                "slots": [_slot_json(slot) for slot in unit.slots],
            }
            for unit in filament.units
        ],
        "external": [_slot_json(slot) for slot in filament.external],
        "active": {name: list(place) for name, place in filament.active.items()},
    }
