# print_error and hms -> faults with severity, code and link
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Codes only tell a fault; they never change the state of a print.

``print_error`` is a latched register: it may stay for days on a healthy printer. Its low word says
what it asks of a person: 4xxx ended the job, 8xxx holds it, Cxxx is advice, below is no fault.
"""

from __future__ import annotations

from typing import Any, Optional

from ....core.model import Fault, Severity
from .values import integer

# (attr, code) of one hms entry
HmsEntry = tuple[int, int]

CANCEL_ECHOES = frozenset({0x0300400C, 0x0500400E})
CANCEL_LOW_WORDS = frozenset({0x400C, 0x400E})
# "this command was not signed": developer mode is off
VERIFY_FAILED_ACKS = frozenset({0x05024007, 0x05024009})
VERIFY_FAILED_HMS: HmsEntry = (0x05000500, 0x00010007)

MAX_HMS = 64
_URL = "https://e.bambulab.com/?e="
_HMS_SEVERITY = {1: Severity.FATAL, 2: Severity.SERIOUS, 3: Severity.COMMON, 4: Severity.INFO}

# Our own words, for the codes whose meaning is established.
TEXTS = {
    0x0300400C: "the job was cancelled",
    0x0500400E: "the job was cancelled",
    0x03008015: "the external spool has run out",
    0x0500803C: "the nozzle set on the printer is not the one the file was sliced for",
    0x05008062: "the marker of the build plate was not found",
    0x05004003: "the printer could not read the file",
    0x05004004: "the printer is busy with another job",
    0x0500C010: "the SD card could not be read or written",
    0x0500C011: "the SD card is wearing out",
    0x05024007: "the command was refused: developer mode is off",
}


def print_error(value: Any) -> Optional[int]:
    """The register as an unsigned number (it may be sent negative)."""
    whole = integer(value)
    return None if whole is None else whole & 0xFFFFFFFF


def hms_entries(value: Any) -> Optional[tuple[HmsEntry, ...]]:
    if type(value) is not list:
        return None
    entries = []
    for item in value[:MAX_HMS]:
        if type(item) is not dict:
            continue
        attr, code = integer(item.get("attr")), integer(item.get("code"))
        if attr is None or code is None:
            continue
        attr, code = attr & 0xFFFFFFFF, code & 0xFFFFFFFF
        if attr or code:
            entries.append((attr, code))
    return tuple(dict.fromkeys(entries))


def _error_fault(error: int) -> Optional[Fault]:
    kind = (error & 0xFFFF) >> 12
    if kind < 4:
        return None
    if error in CANCEL_ECHOES or kind >= 0xC:
        severity = Severity.INFO
    elif kind >= 8:
        severity = Severity.COMMON
    else:
        severity = Severity.SERIOUS
    return Fault(f"{error >> 16:04X}_{error & 0xFFFF:04X}", severity, f"{_URL}{error:08X}")


def _hms_fault(entry: HmsEntry) -> Fault:
    attr, code = entry
    groups = (attr >> 16, attr & 0xFFFF, code >> 16, code & 0xFFFF)
    return Fault(
        "_".join(f"{group:04X}" for group in groups),
        _HMS_SEVERITY.get(code >> 16, Severity.INFO),
        f"{_URL}{attr:08X}{code:08X}",
    )


def faults(error: Optional[int], hms: tuple[HmsEntry, ...]) -> tuple[Fault, ...]:
    found = [_hms_fault(entry) for entry in hms]
    first = _error_fault(error) if error else None
    return (first, *found) if first is not None else tuple(found)


def describe(error: int) -> str:
    """One sentence for a person: our own words where the code is known, else the code."""
    known = TEXTS.get(error)
    code = f"{error >> 16:04X}_{error & 0xFFFF:04X}"
    return f"{known} ({code})" if known else f"error {code}, see {_URL}{error:08X}"
