# What a printer offers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Permitted by ``control``, possible with the type, and taken by this very printer."""

from __future__ import annotations

from dataclasses import replace

from moonfleet.bridges.base import PrinterSettings
from moonfleet.core.commands import Action, Control
from moonfleet.core.model import Accepts, PrinterSnapshot
from moonfleet.printer import Printer


def offered(control: Control, accepts: Accepts) -> frozenset[Action]:
    possible = frozenset({Action.PAUSE, Action.LIGHT, Action.TEMPERATURE})
    settings = PrinterSettings("x1c", "bambu", "X1C", control=control)
    printer = Printer(settings, possible, lambda: 0.0, lambda: 0.0)
    printer.snapshot = replace(PrinterSnapshot(), accepts_commands=accepts)
    return printer.actions()


def test_control_decides_what_is_offered() -> None:
    assert offered(Control.NONE, Accepts.YES) == frozenset()
    assert offered(Control.JOBS, Accepts.YES) == {Action.PAUSE, Action.LIGHT}
    assert offered(Control.FULL, Accepts.UNKNOWN) == {
        Action.PAUSE,
        Action.LIGHT,
        Action.TEMPERATURE,
    }


def test_lights_stay_where_the_printer_takes_no_commands() -> None:
    assert offered(Control.FULL, Accepts.NO) == {Action.LIGHT}
    assert offered(Control.JOBS, Accepts.NO) == {Action.LIGHT}
    assert offered(Control.NONE, Accepts.NO) == frozenset()
