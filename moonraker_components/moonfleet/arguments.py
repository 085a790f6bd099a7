# Numbers among a request's parameters
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Moonraker's own converters name Python classes, which HTTP replaces by "Unknown"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Optional

from .core.errors import MoonfleetError


class BadArgument(MoonfleetError):
    """The parameter and its value are in the message."""


def number(args: Mapping[str, Any], name: str, default: Optional[float] = None) -> Optional[float]:
    given = args.get(name)
    if given is None:
        return default
    try:
        value = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise BadArgument(f"{name}: '{str(given)[:40]}' is not a number")
    return value


def whole(args: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    """Held within its bounds; a fraction is cut off."""
    value = number(args, name)
    return default if value is None else int(max(low, min(high, value)))
