# Objects that need not be built again
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A report changes a temperature or two; fans, filament and macros stay what they are.

What comes out of a ``Memo`` is shared between reports and must not be changed. Being the same
object, it also costs nothing when the difference to the last report is searched.
"""

from __future__ import annotations

from typing import Any, Callable, TypeVar

_T = TypeVar("_T")


class Memo:
    """The last result of each named builder, as long as it is made of the same things."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Any, Any]] = {}

    def keep(self, name: str, made_of: tuple[Any, ...], build: Callable[[], _T]) -> _T:
        """``build()``, or its last result while ``made_of`` compares equal."""
        kept = self._kept.get(name)
        if kept is not None and kept[0] == made_of:
            result: _T = kept[1]
            return result
        built = build()
        self._kept[name] = (made_of, built)
        return built
