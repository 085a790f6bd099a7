# The older, OctoPrint-shaped answers /api/printer and /api/job
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Used for one thing, the loaded material, and read so that support files of old printers speak.

They cannot tell *finished* from *idle*, so ``Operational`` is standby and never complete.
"""

from __future__ import annotations

from typing import Any, Optional

from ....core.model import Heater, PrintState
from .status import STATES, FileFacts, JobFacts, StatusFacts, storage_name
from .values import celsius, number, seconds, table, text

_WORDS = {
    "operational": PrintState.STANDBY,
    "ready": PrintState.STANDBY,
    "printing": PrintState.PRINTING,
    "pausing": PrintState.PRINTING,
    "paused": PrintState.PAUSED,
    "error": PrintState.ERROR,
}


def parse_material(document: Any) -> Optional[str]:
    """The filament in the active tool; dashes mean that the printer does not know."""
    material = text(table(table(document).get("telemetry")).get("material"))
    return material if material and material.strip(" -") else None


def parse_printer(document: Any) -> Optional[StatusFacts]:
    """``/api/printer`` as far as it carries the facts of a status."""
    answer = table(document)
    temperature, state = table(answer.get("temperature")), table(answer.get("state"))
    if not temperature and not state:
        return None
    tool, bed = table(temperature.get("tool0")), table(temperature.get("bed"))
    heaters = {
        "extruder": Heater(celsius(tool.get("actual")), celsius(tool.get("target"))),
        "heater_bed": Heater(celsius(bed.get("actual")), celsius(bed.get("target"))),
    }
    word = text(table(state.get("flags")).get("link_state"))
    speed = number(table(answer.get("telemetry")).get("print-speed"), 0.0, 2000.0)
    return StatusFacts(
        state=word if word in STATES else None,
        heaters={name: heater for name, heater in heaters.items() if heater != Heater()},
        speed_factor=None if speed is None else speed / 100.0,
    )


def parse_old_job(document: Any) -> Optional[tuple[Optional[PrintState], JobFacts, FileFacts]]:
    """``/api/job``: (state, job, file); ``completion`` is 0..1 here."""
    answer = table(document)
    word = text(answer.get("state"))
    if word is None or "progress" not in answer:
        return None
    progress = table(answer.get("progress"))
    entry = table(table(answer.get("job")).get("file"))
    name = text(entry.get("display")) or text(entry.get("name"))
    parts = [part for part in (text(entry.get("path")) or "").split("/") if part]
    job = JobFacts(
        progress=number(progress.get("completion"), 0.0, 1.0),
        time_left=seconds(progress.get("printTimeLeft")),
        print_duration=seconds(progress.get("printTime")),
    )
    file = FileFacts(
        name=name,
        filename="/".join([*parts[1:-1], name]) if name else None,
        origin=storage_name(parts[0]) if parts else None,
    )
    return _WORDS.get(word.lower()), job, file
