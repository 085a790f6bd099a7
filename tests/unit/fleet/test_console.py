# Which events stand on a virtual printer's console, and in which words
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

from typing import Any, Optional

import pytest
from moonfleet.console import console_line, tell
from moonfleet.events import TYPES

GUARD = {"type": "guard", "message": "no filament in unit 0 slot 1", "result": None}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (GUARD, "!! no filament in unit 0 slot 1"),
        ({**GUARD, "result": "accepted"}, "!! no filament in unit 0 slot 1; it was paused"),
        (
            {**GUARD, "result": "rejected", "reason": "no developer mode"},
            "!! no filament in unit 0 slot 1; it could NOT be paused: no developer mode",
        ),
        (
            {"type": "job_finished", "name": "cube\nM112", "status": "completed"},
            "// cube M112 has ended: completed",
        ),
        ({"type": "bed_cool"}, "// the bed is cool, the part can be taken off"),
        ({"type": "maintenance_due", "counter": "belt"}, "// maintenance is due: belt"),
        ({"type": "firmware_changed", "firmware": "1.2"}, "// runs firmware 1.2 now"),
        ({"type": "printer_online", "returned": True}, "// is back"),
        ({"type": "printer_online", "returned": False}, None),
        ({"type": "fault", "code": "X", "severity": "fatal"}, None),
        ({"type": "action_rejected"}, None),
    ],
)
def test_the_words(event: dict[str, Any], line: Optional[str]):
    assert event["type"] in TYPES
    assert console_line(event) == line


def test_only_the_printer_it_is_about_says_it():
    class Virtual:
        def __init__(self) -> None:
            self.lines: list[str] = []

        def say(self, line: str) -> None:
            self.lines.append(line)

    x1c = Virtual()
    for name in ("x1c", "klipper"):
        tell({"x1c": x1c}.get, {"type": "bed_cool", "printer": name})
    tell({"x1c": x1c}.get, {"type": "heater_ready", "printer": "x1c"})
    assert x1c.lines == ["// the bed is cool, the part can be taken off"]
