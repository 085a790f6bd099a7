# Filament slots as lanes: names, order, what is loaded
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: units "A".."D" for the ids 0..3, "HT", "HT2".. for single-slot units, "EXT" for external
spools ("EXT1", "EXT2" when there are two). Lane names have no blanks: Mainsail does not quote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..core.model import Filament, FilamentUnit, Slot

SINGLES = "Single_slots"  # one row for all one-slot units and external spools
FIRST_SINGLE_ID = 128  # Bambu numbers its one-slot units from here


@dataclass(frozen=True)
class Lane:
    name: str
    unit: str  # name of the row it is drawn in
    unit_id: Optional[int]  # None for an external spool
    slot: Slot
    extruder: Optional[str]  # where it is loaded now

    @property
    def place(self) -> tuple[Optional[int], int]:
        return self.unit_id, self.slot.index

    @property
    def present(self) -> bool:
        """An external spool says nothing of its presence: a material is the sign."""
        if self.slot.present is None:
            return self.slot.material is not None
        return self.slot.present


def unit_names(filament: Filament) -> dict[int, str]:
    """``{unit id: short name}``, in the order of the ids."""
    names: dict[int, str] = {}
    singles = 0
    for unit in sorted(filament.units, key=lambda unit: unit.id):
        if 0 <= unit.id < 26:
            names[unit.id] = chr(ord("A") + unit.id)
        else:
            singles += 1
            names[unit.id] = "HT" if singles == 1 else f"HT{singles}"
    return names


def lanes(filament: Optional[Filament]) -> list[Lane]:
    """All slots in a stable order: units by id, then external spools."""
    if filament is None:
        return []
    loaded = {place: extruder for extruder, place in filament.active.items()}
    names = unit_names(filament)
    found: list[Lane] = []
    for unit in sorted(filament.units, key=lambda unit: unit.id):
        found.extend(_unit_lanes(unit, names[unit.id], loaded))
    several = len(filament.external) > 1
    for number, slot in enumerate(filament.external, 1):
        name = f"EXT{number}" if several else "EXT"
        found.append(Lane(name, SINGLES, None, slot, loaded.get((None, slot.index))))
    return found


def _unit_lanes(
    unit: FilamentUnit, name: str, loaded: dict[tuple[Optional[int], int], str]
) -> list[Lane]:
    single = unit.id >= FIRST_SINGLE_ID
    return [
        Lane(
            name if single else f"{name}{slot.index + 1}",
            SINGLES if single else name,
            unit.id,
            slot,
            loaded.get((unit.id, slot.index)),
        )
        for slot in sorted(unit.slots, key=lambda slot: slot.index)
    ]
