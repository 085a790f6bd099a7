# All reports of one printer, merged: the facts, and the snapshot built from them
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Full and delta reports in, one ``PrinterSnapshot`` out.

Only facts that are used are kept, already checked, so a report of any shape leaves a valid state.
The snapshot is made of parts, and a report rebuilds only the parts whose facts it changed: a delta
costs the same however much is known. A part that comes out equal keeps its identity.
"""

from __future__ import annotations

from typing import Any, Optional

from ....core.model import (
    Accepts,
    Filament,
    FilamentUnit,
    JobPhase,
    JobReport,
    PrinterSnapshot,
    Slot,
)
from . import climate, details, faults, fields, filament, job, stages
from .fields import ACCEPTS, ACTIVE, EXTERNAL, FANS, FAULTS, HEATERS, JOB, LIGHTS, SPEED, UNITS
from .models import VersionFacts, read_modules
from .values import integer

# Of structures in a full report: the rest is compared fact by fact.
_UNCOMPARED = UNITS | EXTERNAL


class PrinterReports:
    """State of one printer as its reports tell it. Never raises on a report."""

    def __init__(self, model: Optional[str] = None) -> None:
        self.facts: dict[str, Any] = {}
        self.version = VersionFacts(None, None, {})
        self.run = job.Run()
        self._configured_model = model
        self._learned_accepts = Accepts.UNKNOWN
        self._units: dict[int, filament.Unit] = {}
        self._external: dict[int, filament.Tray] = {}
        self._named_externals = False  # `vir_slot` was seen: it knows more than `vt_tray`
        self._built_units: dict[int, FilamentUnit] = {}
        self._built_external: tuple[Slot, ...] = ()
        self._changed_units: set[int] = set()
        self.snapshot = PrinterSnapshot(model=model, job_report=JobReport(phase=JobPhase.HELD))

    @property
    def model(self) -> Optional[str]:
        return self._configured_model or self.version.model

    def details(self) -> dict[str, Any]:
        """Facts beside the snapshot."""
        return details.details(self.facts, self.model)

    # -- what comes in ---------------------------------------------------------------------

    def report(self, body: dict[str, Any], full: bool, now: float) -> PrinterSnapshot:
        """Take a push_status; ``now`` is any clock in seconds that only moves forward."""
        changed = self._full(body) if full else self._delta(body)
        if changed & JOB:
            self.run.follow(self.facts, now)
        return self._rebuild(changed) if changed else self.snapshot

    def modules(self, modules: list[Any]) -> PrinterSnapshot:
        """Take the answer to get_version."""
        self.version = read_modules(modules)
        self._changed_units.update(self._units)
        return self._rebuild(HEATERS | UNITS | fields.VERSION)

    def learn_accepts(self, accepts: Accepts) -> PrinterSnapshot:
        """A command of ours was obeyed, or refused for want of developer mode."""
        self._learned_accepts = accepts
        return self._rebuild(ACCEPTS)

    def own_stop(self, now: float) -> None:
        self.run.own_stop(now)

    # -- merging ---------------------------------------------------------------------------

    def _delta(self, body: dict[str, Any]) -> int:
        known, changed, scalars = self.facts, 0, fields.SCALARS
        for key, value in body.items():
            entry = scalars.get(key)
            if entry is not None:
                convert, part = entry
                fact = convert(value)
                if fact is not None and known.get(key) != fact:
                    known[key] = fact
                    changed |= part
            elif key in fields.STRUCTURES:
                changed |= self._structure(key, value, full=False)
        if "device" not in body:
            changed |= self._believe_legacy(body)
        return changed

    def _believe_legacy(self, body: dict[str, Any]) -> int:
        """Only one of two sources may move in deltas: believe the one that does."""
        changed = 0
        for key, rival, mark in fields.RIVALS:
            if key in body and rival in self.facts and mark not in self.facts:
                self.facts[mark] = True
                changed |= HEATERS
        return changed

    def _full(self, body: dict[str, Any]) -> int:
        before = self.facts
        known: dict[str, Any] = {}
        self.facts = known
        changed = 0
        for key, (convert, part) in fields.SCALARS.items():
            fact = convert(body[key]) if key in body else None
            if fact is not None:
                known[key] = fact
                if before.get(key) != fact:
                    changed |= part
            elif key in before:
                changed |= part
        self._named_externals = False
        for key in fields.STRUCTURES:
            if key in body:
                changed |= self._structure(key, body[key], full=True) & _UNCOMPARED
        if "ams" not in body:
            changed |= self._forget_units(set())
        if "vir_slot" not in body and "vt_tray" not in body and self._external:
            self._external = {}
            changed |= EXTERNAL
        for key, part in fields.DERIVED.items():
            if known.get(key) != before.get(key):
                changed |= part
                if part & UNITS:
                    self._changed_units.update(self._units)
        return changed

    def _structure(self, key: str, value: Any, full: bool) -> int:
        if key == "device":
            return self._device(value, full)
        if key == "ams":
            return self._ams(value, full)
        if key == "vir_slot":
            return self._virtual_slots(value, full)
        if key == "vt_tray":
            return self._virtual_tray(value)
        return self._put_all(fields.layers_3d(value))

    def _put_all(self, found: dict[str, Any]) -> int:
        changed = 0
        for key, fact in found.items():
            if self.facts.get(key) != fact:
                self.facts[key] = fact
                changed |= fields.DERIVED[key]
        return changed

    def _device(self, device: Any, full: bool) -> int:
        if type(device) is not dict:
            return 0
        found = climate.device_facts(device)
        if "airduct" in device:
            parts = climate.airduct_parts(device["airduct"])
            found["airduct"] = {**self.facts.get("airduct", {}), **parts}
        if "extruder" in device:
            temps, places = fields.extruders(device["extruder"])
            if temps:
                found["extruder_temps"] = {**self.facts.get("extruder_temps", {}), **temps}
            if places:
                found["snow"] = {**self.facts.get("snow", {}), **places}
        changed = 0
        for _, rival, mark in fields.RIVALS:
            if rival in found and self.facts.pop(mark, None):
                changed |= HEATERS
        return changed | self._put_all(found)

    def _ams(self, ams: Any, full: bool) -> int:
        if type(ams) is not dict:
            return 0
        changed = self._put_all(fields.ams_scalars(ams))
        if full:
            changed = 0  # everything is new in a fresh base; `_full` compares
        elif changed & UNITS:
            self._changed_units.update(self._units)
        reports = ams.get("ams")
        if type(reports) is not list:
            return changed
        seen: set[int] = set()
        for report in reports[: filament.MAX_UNITS]:
            if type(report) is not dict:
                continue
            unit_id = integer(report.get("id"))
            if unit_id is None or not 0 <= unit_id < 256:
                continue
            if unit_id not in self._units and len(self._units) >= filament.MAX_UNITS:
                continue
            changed |= self._unit(unit_id, report, full)
            seen.add(unit_id)
        return changed | self._forget_units(seen) if full else changed

    def _unit(self, unit_id: int, report: dict[str, Any], full: bool) -> int:
        known = self._units.get(unit_id)
        if full or known is None:
            unit = filament.Unit()
            unit.update(report, full=True)
            if unit == known:
                return 0
            self._units[unit_id] = unit
        else:
            known.update(report, full=False)
        self._changed_units.add(unit_id)
        return UNITS

    def _forget_units(self, keep: set[int]) -> int:
        gone = self._units.keys() - keep
        for unit_id in gone:
            del self._units[unit_id]
            self._built_units.pop(unit_id, None)
        return UNITS if gone else 0

    def _virtual_slots(self, slots: Any, full: bool) -> int:
        if type(slots) is not list:
            return 0
        found = {} if full else dict(self._external)
        for slot in slots[:4]:
            number = integer(slot.get("id")) if type(slot) is dict else None
            if number in (254, 255):
                found[255 - number] = filament.external_tray(slot)
        self._named_externals = self._named_externals or bool(found)
        return self._set_external(found)

    def _virtual_tray(self, tray: Any) -> int:
        if self._named_externals or type(tray) is not dict:
            return 0
        return self._set_external({0: filament.external_tray(tray)})

    def _set_external(self, found: dict[int, filament.Tray]) -> int:
        if found == self._external:
            return 0
        self._external = found
        return EXTERNAL

    # -- building --------------------------------------------------------------------------

    def _rebuild(self, changed: int) -> PrinterSnapshot:
        known, before = self.facts, self.snapshot
        parts: dict[str, Any] = {}
        if changed & HEATERS:
            parts["heaters"] = climate.heaters(known, self.model)
        if changed & FANS:
            parts["fans"] = climate.fans(known)
        if changed & SPEED:
            parts["speed_factor"] = fields.speed_factor(known)
        if changed & JOB:
            parts["state"] = self.run.state()
            parts["stage"] = stages.stage(known.get("stg_cur"), job.gcode_state(known))
            parts["job"] = self.run.job(known)
            parts["job_report"] = self.run.report(known)
        if changed & (FAULTS | JOB):
            parts["message"] = self._message()
        if changed & FAULTS:
            parts["faults"] = faults.faults(known.get("print_error"), known.get("hms", ()))
        if changed & LIGHTS:
            parts["lights"] = known.get("lights_report", {})
        if changed & (UNITS | EXTERNAL | ACTIVE):
            parts["filament"] = self._filament(changed)
        if changed & (ACCEPTS | FAULTS):
            parts["accepts_commands"] = self._accepts()
        if changed & fields.VERSION:
            parts["firmware"], parts["model"] = self.version.firmware, self.model
        old = vars(before)
        fresh = {name: part for name, part in parts.items() if old[name] != part}
        if fresh:
            # What `dataclasses.replace` does, at a tenth of its cost: this runs on each report.
            snapshot = object.__new__(PrinterSnapshot)
            vars(snapshot).update(old, **fresh)
            self.snapshot = snapshot
        return self.snapshot

    def _message(self) -> Optional[str]:
        error = self.facts.get("print_error")
        if not error or error & 0xF000 < 0x4000:
            return None
        return faults.describe(error)

    def _accepts(self) -> Accepts:
        if faults.VERIFY_FAILED_HMS in self.facts.get("hms", ()):
            return Accepts.NO
        fun: Optional[int] = self.facts.get("fun")
        if fun is None:
            return self._learned_accepts
        return Accepts.NO if fun & fields.SIGNATURE_REQUIRED else Accepts.YES

    def _filament(self, changed: int) -> Optional[Filament]:
        if changed & UNITS:
            for unit_id in self._changed_units & self._units.keys():
                self._built_units[unit_id] = filament.build_unit(
                    unit_id,
                    self._units[unit_id],
                    self.facts.get("tray_exist_bits"),
                    self.facts.get("ams_exist_bits"),
                    self.version.ams_kinds.get(unit_id),
                )
            self._changed_units.clear()
        if changed & EXTERNAL:
            self._built_external = filament.build_external(self._external)
        active = fields.active_places(self.facts)
        if not self._built_units and not self._built_external and not active:
            return None
        units = tuple(self._built_units[i] for i in sorted(self._built_units))
        return Filament(units, self._built_external, active)
