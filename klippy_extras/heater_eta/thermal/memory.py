# What is kept of a heater between two lives of its host
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The learned data, its JSON form and its defence against damaged files. Bounded in every part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from .residual import Past, read_past
from .traits import HIGH, LOW, Vector
from .types import HeaterSpec

VERSION = 1
KEPT = 12  # heat-ups remembered one by one
KEPT_STRENGTHS = 24
COOL_BIN = 5.0  # C
_COOL_BINS = 200
_USUAL_RMS = 0.6


@dataclass
class Memory:
    params: Optional[Vector] = None
    fits: int = 0
    rms: float = _USUAL_RMS
    heats: int = 0  # heat-ups seen to their end
    integral: float = 0.0
    ambient: Optional[float] = None
    changed: bool = False  # the configuration is not the one that was learned: trust less
    pasts: list[Past] = field(default_factory=list)
    reached_misses: list[float] = field(default_factory=list)  # |error| / width, see interval
    ready_misses: list[float] = field(default_factory=list)
    cooling: dict[int, float] = field(default_factory=dict)  # bin: seconds through it
    cools: int = 0
    reference: Optional[Vector] = None  # the heater when it was new to us
    strengths: list[float] = field(default_factory=list)

    def spread(self, loose: float) -> Vector:
        """How far the next heat-up may be from the stored parameters."""
        scale = loose * (3.0 if self.changed else 1.0) * (1.0 + min(2.0, self.rms / _USUAL_RMS))
        return 0.02 * scale, 0.05 * scale, 0.12 * scale, 0.12 * scale, 0.08 * scale

    def take_fit(self, params: Vector, rms: float) -> None:
        if self.params is None:
            self.params, self.rms = params, rms
        else:
            share = max(1.0 / (self.fits + 1), 0.6 if self.changed else 0.3)
            old = self.params
            a, b, k1, k2, tau = (o + share * (n - o) for o, n in zip(old, params))
            self.params = (a, b, k1, k2, tau)
            self.rms += share * (rms - self.rms)
        self.fits += 1
        self.changed = False

    def take_past(self, past: Past) -> None:
        self.pasts.append(past)
        del self.pasts[:-KEPT]
        self.heats += 1

    def take_miss(self, misses: list[float], value: Optional[float]) -> None:
        if value is not None:
            misses.append(round(value, 3))
            del misses[:-KEPT]

    def take_strength(self, value: float) -> None:
        self.strengths.append(round(value, 4))
        del self.strengths[:-KEPT_STRENGTHS]

    def note_cooling(self, index: int, seconds: float, blend: float) -> None:
        known = self.cooling.get(index)
        if known is None:
            if len(self.cooling) < _COOL_BINS:
                self.cooling[index] = seconds
        else:
            self.cooling[index] = known + blend * (seconds - known)

    def to_dict(self, spec: HeaterSpec) -> dict[str, Any]:
        return {
            "version": VERSION,
            "fingerprint": fingerprint(spec),
            "params": _rounded(self.params),
            "fits": self.fits,
            "rms": round(self.rms, 4),
            "heats": self.heats,
            "integral": round(self.integral, 5),
            "ambient": None if self.ambient is None else round(self.ambient, 2),
            "pasts": [p.to_dict() for p in self.pasts],
            "reached_misses": list(self.reached_misses),
            "ready_misses": list(self.ready_misses),
            "cooling": {str(i): round(s, 2) for i, s in sorted(self.cooling.items())},
            "cools": self.cools,
            "reference": _rounded(self.reference),
            "strengths": list(self.strengths),
        }


def _rounded(params: Optional[Vector]) -> Optional[list[float]]:
    return None if params is None else [round(v, 5) for v in params]


def fingerprint(spec: HeaterSpec) -> dict[str, Any]:
    """What must be the same for the learned data to be fully trusted."""
    return {
        "kind": str(spec.kind.value),
        "sensor_type": spec.sensor_type,
        "max_power": spec.max_power,
        "has_power": spec.has_power,
    }


def restore(data: Any, spec: HeaterSpec) -> Memory:
    """As much of ``data`` as is usable; nothing in it can do harm."""
    memory = Memory()
    if not isinstance(data, Mapping) or data.get("version") != VERSION:
        return memory
    memory.params = _vector(data.get("params"))
    memory.fits = _count(data.get("fits"))
    memory.rms = _real(data.get("rms"), 0.0, 10.0) or _USUAL_RMS
    memory.heats = _count(data.get("heats"))
    memory.integral = _real(data.get("integral"), 0.0, 1.0) or 0.0
    memory.ambient = _real(data.get("ambient"), -20.0, 60.0)
    read = [read_past(p) for p in _items(data.get("pasts"))[-KEPT:]]
    memory.pasts = [p for p in read if p is not None]
    memory.heats = max(memory.heats, len(memory.pasts))
    memory.reached_misses = _reals(data.get("reached_misses"), 0.0, 4.0, KEPT)
    memory.ready_misses = _reals(data.get("ready_misses"), 0.0, 4.0, KEPT)
    memory.cooling = _bins(data.get("cooling"))
    memory.cools = _count(data.get("cools"))
    memory.reference = _vector(data.get("reference"))
    if memory.reference is not None:
        memory.strengths = _reals(data.get("strengths"), 0.2, 3.0, KEPT_STRENGTHS)
    if data.get("fingerprint") != fingerprint(spec):
        memory.changed = True
        memory.reference, memory.strengths = None, []
    return memory


def _real(value: Any, low: float, high: float) -> Optional[float]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and low <= number <= high else None


def _count(value: Any) -> int:
    return int(_real(value, 0.0, 1e9) or 0)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _reals(value: Any, low: float, high: float, kept: int) -> list[float]:
    numbers = [_real(v, low, high) for v in _items(value)[-kept:]]
    return [n for n in numbers if n is not None]


def _vector(value: Any) -> Optional[Vector]:
    if not isinstance(value, (list, tuple)) or len(value) != 5:
        return None
    numbers = [_real(v, low, high) for v, low, high in zip(value, LOW, HIGH)]
    a, b, k1, k2, tau = numbers
    if a is None or b is None or k1 is None or k2 is None or tau is None:
        return None
    return a, b, k1, k2, tau


def _bins(value: Any) -> dict[int, float]:
    if not isinstance(value, Mapping):
        return {}
    result: dict[int, float] = {}
    for key, seconds in list(value.items())[:_COOL_BINS]:
        number = _real(seconds, 0.01, 7200.0)
        if number is None or not isinstance(key, str):
            continue
        try:
            index = int(key)
        except ValueError:
            continue
        if -20 <= index <= 300:
            result[index] = number
    return result
