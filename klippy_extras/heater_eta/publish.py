# Turns an estimate into the values that macros and UIs read
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: the fixed key set, rounding, and what stays still when nothing happens."""

from __future__ import annotations

import math
from typing import Any, Optional

from .thermal.types import UNKNOWN_ESTIMATE, WITHOUT_ETA, Estimate, HeaterState

#: states in which nothing may change from one second to the next
QUIET = frozenset({HeaterState.OFF, HeaterState.READY, HeaterState.COOLED})
CLIMBING = frozenset({HeaterState.HEATING, HeaterState.APPROACHING, HeaterState.SETTLING})


def rounded(value: Optional[float], digits: int = 0) -> Optional[float]:
    """A float rounded, or None for what JSON could not carry."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits)


def seconds(value: Optional[float]) -> Optional[float]:
    """Whole seconds; what is not over yet never reads 0."""
    whole = rounded(value)
    if whole is None or value is None:
        return None
    if value > 0.0:
        return max(1.0, whole)
    return 0.0


def status_of(estimate: Estimate, target: float) -> dict[str, Any]:
    """One heater's published values, always a new dict with the same keys."""
    state = estimate.state
    climbing = state in CLIMBING
    eta = None if state in WITHOUT_ETA else seconds(estimate.eta)
    if climbing and eta == 0.0:
        eta = 1.0  # the printer is still busy: it is not over until it is
    if eta is None and state not in WITHOUT_ETA:
        # a state that promises a number came without one
        state = HeaterState.UNKNOWN
    quiet = state in QUIET
    waiting = eta is not None and climbing
    cooling = state is HeaterState.COOLING
    progress = 1.0 if state is HeaterState.READY else None
    if waiting:
        progress = rounded(estimate.progress, 2)
    return {
        "state": state.value,
        "heating": bool(estimate.heating) and not quiet,
        "ready": state is HeaterState.READY,
        "target": round(float(target), 1),
        "eta": eta if waiting else (None if eta is None else 0.0),
        "eta_reached": seconds(estimate.eta_reached) if waiting else (None if eta is None else 0.0),
        "eta_low": seconds(estimate.eta_low) if waiting else (None if eta is None else 0.0),
        "eta_high": seconds(estimate.eta_high) if waiting else (None if eta is None else 0.0),
        "progress": progress,
        "rate": 0.0 if quiet else rounded(estimate.rate, 2),
        "learned": int(estimate.learned),
        "finish_eventtime": rounded(estimate.finish_time, 1) if waiting else None,
        "cooldown_eta": seconds(estimate.cooldown_eta)
        if cooling
        else (None if eta is None else 0.0),
        "health": estimate.health,
    }


UNKNOWN_STATUS = status_of(UNKNOWN_ESTIMATE, 0.0)


def printer_status(heaters: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The critical path: when is everything ready, and who holds it up.

    ``heaters`` are the published values of every heater that can heat.
    """
    heating = {name: status for name, status in heaters.items() if status["heating"]}
    lost = {n: s for n, s in heaters.items() if s["target"] > 0.0 and s["eta"] is None}
    wanted = [status for status in heaters.values() if status["target"] > 0.0]
    eta: Optional[float] = 0.0
    holds_up: Optional[str] = None
    for name, status in {**heating, **lost}.items():
        if status["eta"] is None:
            eta, holds_up = None, name
            break
        if holds_up is None or status["eta"] > (eta or 0.0):
            eta, holds_up = status["eta"], name
    return {
        "eta": eta,
        "ready": bool(wanted) and all(status["ready"] for status in wanted),
        "heating": bool(heating),
        "heater": holds_up,
        "heaters": sorted(heaters),
    }
