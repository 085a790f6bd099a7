# Typed reading of JSON that may hold anything
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every reader answers None for what is absent, of the wrong type or out of all bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Optional

LONGEST_TEXT = 512
LONGEST_TIME = 366 * 86400.0  # the Python server was seen to predict a century
LARGEST_ID = 2**63
_EMPTY: Mapping[str, Any] = {}


def table(value: Any) -> Mapping[str, Any]:
    """``value`` as a mapping; an empty one when it is none. JSON knows no mapping but dict."""
    return value if isinstance(value, dict) else _EMPTY


def number(value: Any, low: float, high: float) -> Optional[float]:
    """NaN is in no range, and a bool is no number."""
    if type(value) is not float and type(value) is not int:
        return None
    return float(value) if low <= value <= high else None


def count(value: Any, high: int = LARGEST_ID) -> Optional[int]:
    """A whole number from 0; Buddy writes some of them as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= high else None


def text(value: Any) -> Optional[str]:
    """Printable text on one line, or None."""
    if not isinstance(value, str):
        return None
    flat = " ".join(value[:LONGEST_TEXT].split())
    clean = "".join(c for c in flat if c.isprintable())
    return clean or None


def seconds(value: Any) -> Optional[float]:
    return number(value, 0.0, LONGEST_TIME)


def celsius(value: Any) -> Optional[float]:
    return number(value, -273.0, 1000.0)
