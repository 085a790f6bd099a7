# Events on the console of the printer that they are about
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Only what is neither a dialog (faults) nor the answer to what was typed (commands)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from .notifiers import SENTENCES

#: the printer stops, or somebody has to come: interfaces show such lines as errors
ALARMS = ("guard",)
TOLD = (
    *ALARMS,
    *("job_finished", "bed_cool", "maintenance_due", "firmware_changed"),
    *("printer_offline", "printer_online"),
)


def console_line(event: Mapping[str, Any]) -> Optional[str]:
    """None for what does not belong there."""
    kind = event["type"]
    if kind not in TOLD or (kind == "printer_online" and not event.get("returned")):
        return None
    text = " ".join(SENTENCES[kind](event).split())
    return f"{'!!' if kind in ALARMS else '//'} {text}"


def tell(find: Callable[[str], Any], event: Mapping[str, Any]) -> None:
    """``find`` gives the virtual printer of a name, or None."""
    line = console_line(event)
    virtual = find(event["printer"]) if line is not None else None
    if virtual is not None:
        virtual.say(line)
