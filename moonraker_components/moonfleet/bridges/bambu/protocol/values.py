# Untrusted JSON values -> the number or text that was meant, or None
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every value of a report passes through here; a wrong type is "not said", never an exception."""

from __future__ import annotations

import math
from typing import Any, Optional

MAX_TEXT = 255
_HUGE = 1e15


def number(value: Any) -> Optional[float]:
    """A finite number; numeric text counts, True and False do not."""
    kind = type(value)
    if kind is float or kind is int:
        # compared before it is converted: a huge int cannot become a float
        return float(value) if -_HUGE < value < _HUGE else None
    if kind is str and len(value) <= 32:
        try:
            result = float(value)
        except ValueError:
            return None
        return result if math.isfinite(result) and abs(result) < _HUGE else None
    return None


def integer(value: Any) -> Optional[int]:
    """A whole number; ``"12"`` and ``12.0`` count."""
    kind = type(value)
    if kind is int:
        return value if -_HUGE < value < _HUGE else None
    if kind is str and len(value) <= 20:
        try:
            return int(value)
        except ValueError:
            return None
    if kind is float and -_HUGE < value < _HUGE and value == int(value):
        return int(value)
    return None


def hexadecimal(value: Any) -> Optional[int]:
    """A bit field written as hexadecimal text."""
    if type(value) is str and 0 < len(value) <= 32:
        try:
            return int(value, 16)
        except ValueError:
            return None
    return None


def text(value: Any) -> Optional[str]:
    """Printable text of bounded length; control characters are dropped. May be empty."""
    if type(value) is not str:
        return None
    short = value[:MAX_TEXT]
    if not short.isprintable():
        short = "".join(c if c.isprintable() else " " for c in short)
    return short.strip()


def celsius(value: Any) -> Optional[float]:
    """A plausible temperature."""
    result = number(value)
    return result if result is not None and -100.0 <= result <= 1000.0 else None


def packed_celsius(value: Any) -> Optional[tuple[float, float]]:
    """``target << 16 | actual`` -> (actual, target)."""
    whole = integer(value)
    if whole is None or not 0 <= whole <= 0xFFFFFFFF:
        return None
    actual, target = whole & 0xFFFF, whole >> 16
    if actual > 1000 or target > 1000:
        return None
    return float(actual), float(target)
