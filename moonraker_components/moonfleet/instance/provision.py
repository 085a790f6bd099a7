# What an interface finds in its database before anybody changed anything
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: names, and panels that mean nothing for a bridged printer out of the way."""

from __future__ import annotations

from typing import Any

HIDDEN_MAINSAIL = ("toolhead-control", "extruder-control", "machine-settings")
PANELS_LEFT = ("webcam", "afc", "mmu", "macros", "miscellaneous")
PANELS_RIGHT = ("temperature", "miniconsole")
#: Fluidd's cards; those that are left out it appends by itself
FLUIDD_LEFT = ("printer-status-card", "camera-card", "afc-card", "mmu-card", "outputs-card")
FLUIDD_RIGHT = ("temperature-card", "sensors-card", "macros-card", "console-card")
FLUIDD_HIDDEN = (
    *("toolhead-card", "printer-limits-card", "retract-card", "bed-mesh-card", "beacon-card"),
    *("gcode-preview-card", "jobs-card", "job-queue-card", "runout-sensors-card"),
)


def database_defaults(display_name: str) -> dict[str, Any]:
    """The namespaces both interfaces read; all three must exist or Mainsail creates them."""
    return {
        "mainsail": {
            "general": {"printername": display_name},
            "dashboard": _mainsail_dashboard(),
            "view": {
                "afc": {"showFilamentName": True, "showLaneInfinite": False},
                "mmu": {"showLogos": False},
            },
        },
        "fluidd": {
            "uiSettings": {
                "general": {"instanceName": display_name},
                "afc": {"showFilamentName": True, "showLaneInfinite": False},
                "mmu": {"showLogos": False},
            },
            "layout": {"layouts": {"dashboard": _fluidd_dashboard()}},
        },
        "maintenance": {},
    }


def _mainsail_dashboard() -> dict[str, Any]:
    hidden = [{"name": name, "visible": False} for name in HIDDEN_MAINSAIL]
    left = [{"name": name, "visible": True} for name in PANELS_LEFT] + hidden
    right = [{"name": name, "visible": True} for name in PANELS_RIGHT]
    one = left[:1] + right + left[1:]
    return {
        "mobileLayout": one,
        "tabletLayout1": left,
        "tabletLayout2": right,
        "desktopLayout1": left,
        "desktopLayout2": right,
        "widescreenLayout1": left,
        "widescreenLayout2": right,
        "widescreenLayout3": [],
    }


def _fluidd_dashboard() -> dict[str, Any]:
    def cards(names: tuple[str, ...], enabled: bool = True) -> list[dict[str, Any]]:
        return [{"id": name, "enabled": enabled, "collapsed": False} for name in names]

    return {
        "container1": cards(FLUIDD_LEFT) + cards(FLUIDD_HIDDEN, False),
        "container2": cards(FLUIDD_RIGHT),
    }
