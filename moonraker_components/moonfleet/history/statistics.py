# What people read off the sums: totals, statistics, trends, costs
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``Prices`` are configured; without one there is no cost. Periods are read by ``sums``."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from . import sums
from .schema import ODOMETERS


@dataclass(frozen=True)
class Prices:
    """``filament`` per kilogram by material ('' for any other), ``energy`` per kWh, per hour."""

    currency: Optional[str] = None
    filament: Mapping[str, float] = field(default_factory=dict)
    energy: Optional[float] = None
    machine_hour: Optional[float] = None


FREE = Prices()
FREQUENT = 10  # fault codes named


def totals(connection: sqlite3.Connection, printer: Optional[str]) -> dict[str, Any]:
    """Everything that is remembered, in Moonraker's words."""
    whole = sums.ever(connection, printer)
    longest_job, longest_print = sums.longest_ever(connection, printer)
    return {
        "total_jobs": int(whole["jobs"]),
        "total_time": whole["total_time"],
        "total_print_time": whole["print_time"],
        "total_filament_used": 0.0,  # Moonraker means millimetres: no bridged printer tells them
        "longest_job": longest_job,
        "longest_print": longest_print,
    }


def odometers(connection: sqlite3.Connection) -> dict[str, dict[str, float]]:
    rows = connection.execute(
        f"SELECT printer, jobs, total_time, print_time, grams FROM {ODOMETERS} ORDER BY printer"
    ).fetchall()
    return {
        row[0]: {"jobs": row[1], "total_time": row[2], "print_time": row[3], "grams": row[4]}
        for row in rows
    }


def statistics(period: sums.Period, found: sums.Gathered, prices: Prices) -> dict[str, Any]:
    """The answer, from what was gathered of the whole period."""
    printers = sorted({key[0] for key in found.sums} | found.connected.keys())
    materials = sorted({key[1] for key in found.sums})
    by_printer: dict[str, list[float]] = {}
    by_material: dict[str, list[float]] = {}
    for printer, material, duration in found.prints:
        by_printer.setdefault(printer, []).append(duration)
        by_material.setdefault(material, []).append(duration)
    everything = sorted(duration for _, _, duration in found.prints)
    return {
        "since": period.since,
        "before": period.before,
        "fleet": _machines(found, prices, materials, None, everything),
        "printers": {
            name: _machines(found, prices, materials, name, sorted(by_printer.get(name, ())))
            for name in printers
        },
        "materials": {
            name or "unknown": _of_material(found, prices, name, sorted(by_material.get(name, ())))
            for name in materials
        },
        **_trends(found.days),
    }


def _machines(
    found: sums.Gathered,
    prices: Prices,
    materials: list[str],
    printer: Optional[str],
    prints: list[float],
) -> dict[str, Any]:
    """Every figure of one printer, or of the fleet."""
    figures = {**_figures(found.of(printer)), **_spread(prints)}
    online = sum(s for name, s in found.connected.items() if printer in (None, name))
    figures["connected_time"] = online
    figures["utilisation"] = _ratio(figures["print_time"], online)
    codes: dict[str, int] = {}
    for (name, code), count in found.faults.items():
        if printer in (None, name):
            codes[code] = codes.get(code, 0) + count
    frequent = sorted(codes.items(), key=lambda item: (-item[1], item[0]))
    figures["fault_codes"] = dict(frequent[:FREQUENT])
    costs = [
        _cost(found.of(printer, material), prices, material)
        for material in materials
        if printer is None or (printer, material) in found.sums
    ]
    figures["cost"] = _cost_of(costs, prices)
    return figures


def _of_material(
    found: sums.Gathered, prices: Prices, material: str, prints: list[float]
) -> dict[str, Any]:
    total = found.of(material=material)
    cost = _cost_of([_cost(total, prices, material)], prices)
    return {**_figures(total), **_spread(prints), "cost": cost}


def _spread(prints: list[float]) -> dict[str, Optional[float]]:
    """Of the completed prints, sorted."""
    if not prints:
        return {"longest": None, "mean": None, "median": None}
    middle, odd = divmod(len(prints), 2)
    median = prints[middle] if odd else (prints[middle - 1] + prints[middle]) / 2
    return {"longest": prints[-1], "mean": sum(prints) / len(prints), "median": median}


def _figures(total: Mapping[str, float]) -> dict[str, Any]:
    """``success_rate`` is completed / (completed + error): a cancel is a decision, no failure."""
    completed, failed = total["completed"], total["error"]
    hours = total["print_time"] / 3600.0
    return {
        "jobs": int(total["jobs"]),
        "completed": int(completed),
        "cancelled": int(total["cancelled"]),
        "error": int(failed),
        "interrupted": int(total["interrupted"]),
        "success_rate": _ratio(completed, completed + failed),
        "total_time": total["total_time"],
        "print_time": total["print_time"],
        "pause_time": total["pause_time"],
        "filament_grams": total["grams"],
        "energy": total["energy"],
        "faults": int(total["faults"]),
        "faults_per_hour": _ratio(total["faults"], hours),
        "eta_error": _ratio(total["eta_error"], total["eta_count"]),
        "finish_error": _ratio(total["finish_error"], total["finish_count"]),
        "finish_error_corrected": _ratio(total["corrected_error"], total["finish_count"]),
    }


def _cost(total: Mapping[str, float], prices: Prices, material: str) -> Optional[float]:
    """From configured prices only; None when none of them applies."""
    parts: list[float] = []
    per_kg = prices.filament.get(material, prices.filament.get(""))
    if per_kg is not None:
        parts.append(total["grams"] / 1000.0 * per_kg)
    if prices.energy is not None:
        parts.append(total["energy"] * prices.energy)
    if prices.machine_hour is not None:
        parts.append(total["print_time"] / 3600.0 * prices.machine_hour)
    return sum(parts) if parts else None


def _cost_of(costs: list[Optional[float]], prices: Prices) -> Optional[dict[str, Any]]:
    known = [cost for cost in costs if cost is not None]
    if not known:
        return None
    return {"amount": round(sum(known), 4), "currency": prices.currency}


def _ratio(part: float, whole: float) -> Optional[float]:
    return part / whole if whole else None


def _trends(days: Mapping[int, list[float]]) -> dict[str, Any]:
    """By day, and by week (named by its Monday)."""
    by_day: list[dict[str, Any]] = []
    by_week: dict[datetime.date, list[float]] = {}
    for day, numbers in sorted(days.items()):
        date = datetime.date.fromordinal(day)
        by_day.append(_point(date, numbers))
        monday = date - datetime.timedelta(days=date.weekday())
        known = by_week.setdefault(monday, [0, 0, 0.0, 0.0])
        by_week[monday] = [a + b for a, b in zip(known, numbers)]
    weeks = [_point(monday, numbers) for monday, numbers in sorted(by_week.items())]
    return {"days": by_day, "weeks": weeks}


def _point(date: datetime.date, numbers: list[float]) -> dict[str, Any]:
    names = ("jobs", "completed", "print_time", "filament_grams")
    jobs, completed, *rest = numbers
    return {"date": date.isoformat(), **dict(zip(names, (int(jobs), int(completed), *rest)))}
