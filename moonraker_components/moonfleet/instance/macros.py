# Buttons that stand for what a bridged printer can do beyond Klipper's own words
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: macros exist only where the action behind them is possible and permitted."""

from __future__ import annotations

from typing import Any

from ..core.commands import Action
from .view import View

#: macro -> (needed action, template that the interfaces search for parameters, description)
SPEED = "{% set percent = params.PERCENT|default(100)|int %}"
MACROS: dict[str, tuple[Action, str, str]] = {
    "SET_SPEED": (Action.SPEED, SPEED, "Set the printing speed in percent"),
    "UNLOAD_FILAMENT": (Action.UNLOAD_FILAMENT, "", "Unload the filament from the hotend"),
    "SET_READY": (Action.SET_READY, "", "Tell the printer that the print was taken off"),
    "CLEAR_ERROR": (Action.CLEAR_ERROR, "", "Close the message on the printer's screen"),
}


def macro_objects(view: View) -> dict[str, dict[str, Any]]:
    """``{"gcode_macro NAME": its settings}``; Mainsail hides those that have a
    ``rename_existing``, whatever its value."""
    return {
        f"gcode_macro {name}": {"gcode": template, "description": text}
        for name, (action, template, text) in MACROS.items()
        if view.can(action)
    }
