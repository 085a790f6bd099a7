# What a running job adds up to: time, progress, temperatures, filament, faults
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Functions that enter one report into an ``OpenJob``."""

from __future__ import annotations

from typing import Any, Optional

from .jobs_record import MAX_LIST, PAUSED, PRINTING, OpenJob, number, text, whole
from .model import Filament, Job, PrinterSnapshot, Slot

HEATING_GAP = 5.0  # C below its target: a heater still heats
DROP = 0.02  # progress that falls by more than this may be another run
LEAP = 0.3  # progress does not grow by more at once; it shows the run before
DEVICE_RESET = 90.0  # s; a device's print clock that falls behind ours by more was set back
SURE_PAUSE = 120.0  # s out of sight that the job did not advance: somebody paused it
FORECAST_AT = (0.1, 0.25, 0.5, 0.75)  # progress at which the printer's promise is noted
LONGEST = 10 * 365 * 86400.0  # s; no duration is longer


def elapse(job: OpenJob, seconds: float, phase: str, unseen: bool, left: Optional[float]) -> None:
    """Count the time since the last report, by what the job did *before* it.

    Out of sight a job may have been paused and resumed: then the printer's own remaining time,
    before and now (``left``), says how much of it was printing.
    """
    seconds = min(max(0.0, seconds), LONGEST)
    job.total_duration += seconds
    if not job.counting:
        return
    if unseen and left is not None and job.time_left is not None:
        work = min(seconds, max(0.0, job.time_left - left))
        slept = seconds - work
        if phase != job.phase or (job.phase == PRINTING and slept > max(SURE_PAUSE, 0.2 * seconds)):
            job.print_duration += work
            job.pause_duration += slept
            return
    if job.phase == PRINTING:
        job.print_duration += seconds
    elif job.phase == PAUSED:
        job.pause_duration += seconds


def device_time(job: OpenJob, reported: Optional[float], before: float) -> None:
    """The device's own print clock is the authority, unless it fell behind ``before``."""
    value = number(reported)
    if value is None or not 0.0 <= value <= LONGEST:
        return
    if value + DEVICE_RESET >= before:
        job.print_duration = value
        fit(job)


def fit(job: OpenJob) -> None:
    """Printing and pauses are parts of the whole, whatever clocks say."""
    job.pause_duration = min(job.pause_duration, job.total_duration)
    job.print_duration = min(job.print_duration, job.total_duration - job.pause_duration)


def take_back(job: OpenJob, seconds: float) -> None:
    """The last seconds belong to another run."""
    job.total_duration = max(0.0, job.total_duration - seconds)
    job.print_duration = max(0.0, job.print_duration - seconds)
    fit(job)


def describe(job: OpenJob, shown: Optional[Job]) -> None:
    """Names and layers; a detail that is missing now does not erase what was known."""
    if shown is None:
        return
    job.name = text(shown.name) or job.name
    job.filename = text(shown.filename) or job.filename
    job.origin = text(shown.origin) or job.origin
    layers = whole(shown.layers)
    if layers is not None and layers > 0:
        job.layers = layers
    layer = whole(shown.layer)
    # a layer beyond the last is the job before's
    if layer is not None and layer >= 0 and (job.layers is None or layer <= job.layers):
        job.layer = layer if job.layer is None else max(job.layer, layer)


def advance(job: OpenJob, shown: Optional[Job]) -> None:
    """Progress and remaining time. Progress from before the run's own is forgotten at its fall."""
    value = progress_of(shown)
    left = number(shown.time_left) if shown is not None else None
    if left is not None and 0.0 <= left <= LONGEST:
        job.time_left = left
    if value is None:
        return
    if job.progress is None or (value < job.progress and not job.progress_rose):
        job.progress = value
        if shown is not None and not job.progress_rose:
            job.layer = _own_layer(job, shown)
    elif value > job.progress:
        if value - job.progress < LEAP:
            job.progress_rose = True
        before, job.progress = job.progress, value
        for mark in FORECAST_AT:
            if before < mark <= value and left is not None and len(job.forecasts) < MAX_LIST:
                worked = job.total_duration - job.pause_duration
                job.forecasts.append([worked, left, left * job.correction])
                break


def _own_layer(job: OpenJob, shown: Job) -> Optional[int]:
    layer = whole(shown.layer)
    if layer is None or layer < 0 or (job.layers is not None and layer > job.layers):
        return None
    return layer


def progress_of(shown: Optional[Job]) -> Optional[float]:
    value = number(shown.progress) if shown is not None else None
    return value if value is not None and 0.0 <= value <= 1.0 else None


def fell_back(job: OpenJob, shown: Optional[Job]) -> bool:
    """Progress or layers are behind what this run had reached by far."""
    value = progress_of(shown)
    if not job.progress_rose or job.progress is None:
        return False
    if value is not None:
        return value < job.progress - DROP
    layer = whole(shown.layer) if shown is not None else None
    return layer is not None and job.layer is not None and layer < job.layer - 1


def watch_heaters(job: OpenJob, snapshot: PrinterSnapshot, seconds: float) -> None:
    """Maximum temperatures, and how long the job had to wait for its heaters."""
    waiting = False
    for name, heater in snapshot.heaters.items():
        temperature, target = number(heater.temperature), number(heater.target)
        if temperature is None or abs(temperature) > 1000.0:
            continue
        known = job.max_temperatures.get(name)
        if (known is None or temperature > known) and len(job.max_temperatures) < MAX_LIST:
            job.max_temperatures[name] = temperature
        if name != "chamber" and target and target - temperature > HEATING_GAP:
            waiting = True
    if job.printed_once:
        return
    shown = snapshot.job
    if (job.progress_rose and (job.progress or 0.0) > 0.01) or (
        shown is not None and (whole(shown.layer) or 0) > 1 and job.layer == shown.layer
    ):
        job.printed_once = True
    elif waiting:
        job.heatup_time = (job.heatup_time or 0.0) + max(0.0, seconds)


def watch_faults(job: OpenJob, snapshot: PrinterSnapshot) -> None:
    """Codes that came while the job ran; one that was there before counts when it comes again."""
    present = {fault.code for fault in snapshot.faults if isinstance(fault.code, str)}
    job.faults_before = [code for code in job.faults_before if code in present]
    for code in sorted(present):
        if code not in job.faults_before and code not in job.faults and len(job.faults) < MAX_LIST:
            job.faults.append(code[:64])


def watch_filament(job: OpenJob, filament: Optional[Filament]) -> None:
    """Which slots the job used. How much of them is only known from the file: see annotate."""
    if filament is None:
        return
    for extruder, place in sorted(filament.active.items()):
        unit_id, index = place
        slot = _find(filament, unit_id, index)
        entry = next(
            (e for e in job.filament if (e.get("unit"), e.get("slot")) == (unit_id, index)), None
        )
        if entry is None:
            if len(job.filament) >= MAX_LIST:
                return
            entry = {"unit": unit_id, "slot": index, "extruder": extruder}
            entry.update(material=None, color=None, grams=None)
            job.filament.append(entry)
        if slot is not None:
            entry["material"] = text(slot.material) or entry.get("material")
            entry["color"] = text(slot.color) or entry.get("color")


def _find(filament: Filament, unit_id: Any, index: int) -> Optional[Slot]:
    if unit_id is None:
        slots = filament.external
    else:
        slots = next((unit.slots for unit in filament.units if unit.id == unit_id), ())
    return next((slot for slot in slots if slot.index == index), None)


def read_energy(job: OpenJob, reading: float) -> None:
    value = number(reading)
    if value is None:
        return
    before = job.energy_seen
    used = value - before if before is not None and value > before else 0.0
    job.energy, job.energy_seen = round((job.energy or 0.0) + used, 6), value
