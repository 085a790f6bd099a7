# Objects that are not built again
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What was kept must be what would have been built."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from moonfleet.core.commands import Action
from moonfleet.core.model import Heater, PrintState
from moonfleet.instance.memo import Memo
from moonfleet.instance.objects import build_objects

from .house import filament, printing, view

UNIT = filament().units[0]


def choices() -> dict[str, list[Any]]:
    """For each field of a view or snapshot some values, equal ones among them."""
    hot = {"extruder": Heater(210.0, 210.0), "heater_bed": Heater(60.0, 60.0)}
    return {
        "heaters": [hot, dict(hot), {**hot, "chamber": Heater(40.0, 0.0)}, {}],
        "fans": [{"part": 0.5}, {"part": 0.5}, {"part": 0.5, "aux": 1.0}, {}],
        "lights": [{"chamber_light": "on"}, {"chamber_light": "off"}, {}],
        "filament": [filament(), filament(), replace(filament(), units=(UNIT,)), None],
        "speed_factor": [1.0, 1.24, None],
        "state": [PrintState.PRINTING, PrintState.PAUSED, None],
        "model": ["X1 Carbon", "H2D", None],
    }


def test_what_was_kept_equals_what_is_new() -> None:
    dice, memo = random.Random(4), Memo()
    snapshot, more = printing(), {"actions": frozenset(Action)}
    for _ in range(400):
        name, values = dice.choice(list(choices().items()))
        snapshot = replace(snapshot, **{name: dice.choice(values)})
        more["actions"] = dice.choice([more["actions"], frozenset(Action), frozenset()])
        more["filament_panel"] = dice.choice(["afc", "mmu", "both", "off"])
        more["hide_message"] = dice.random() < 0.5
        shown = view(snapshot=snapshot, **more)
        kept, fresh = build_objects(shown, memo), build_objects(shown)
        assert kept == fresh
        assert list(kept) == list(fresh)


def test_a_changed_temperature_leaves_the_rest_as_it_was() -> None:
    memo = Memo()
    first = build_objects(view(), memo)
    heaters = {**printing().heaters, "extruder": Heater(219.0, 220.0)}
    second = build_objects(view(snapshot=printing(heaters=heaters)), memo)
    assert second["extruder"]["temperature"] == 219.0
    same = [name for name, fields in second.items() if fields is first[name]]
    for name in ("configfile", "heaters", "fan", "led chamber_light", "AFC", "toolhead"):
        assert name in same
