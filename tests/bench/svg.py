# Small charts as plain SVG
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Axes, lines, bands and bars; no plotting library, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Optional

INK, FAINT, PAPER = "#22272e", "#d5d9df", "#fbfbfc"
BLUE, ORANGE, GREY, GREEN = "#1f6fb2", "#d9772b", "#8b939c", "#3a8f5c"
Points = Sequence[tuple[float, float]]


class Chart:
    """One panel with linear axes."""

    def __init__(
        self,
        title: str,
        x: tuple[float, float],
        y: tuple[float, float],
        x_label: str = "",
        y_label: str = "",
        size: tuple[int, int] = (720, 340),
    ) -> None:
        self.size = size
        self._x, self._y = x, y
        self._left, self._top, self._right, self._bottom = 62, 44, 18, 50
        self._parts: list[str] = []
        width, height = size
        self._text(self._left, 24, title, size=15, weight="600")
        self._text(width / 2, height - 10, x_label, anchor="middle")
        if y_label:
            self._parts.append(
                f'<text x="16" y="{height / 2:.0f}" font-size="12" fill="{INK}" '
                f'text-anchor="middle" transform="rotate(-90 16 {height / 2:.0f})">'
                f"{escape(y_label)}</text>"
            )

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 12,
        anchor: str = "start",
        color: str = INK,
        weight: str = "400",
    ) -> None:
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
            f'fill="{color}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def px(self, x: float) -> float:
        low, high = self._x
        return self._left + (x - low) / (high - low) * (self.size[0] - self._left - self._right)

    def py(self, y: float) -> float:
        low, high = self._y
        room = self.size[1] - self._top - self._bottom
        return self.size[1] - self._bottom - (min(max(y, low), high) - low) / (high - low) * room

    def grid(self, xs: Sequence[float], ys: Sequence[float], unit: str = "") -> None:
        for y in ys:
            self._parts.append(
                f'<line x1="{self.px(self._x[0]):.1f}" x2="{self.px(self._x[1]):.1f}" '
                f'y1="{self.py(y):.1f}" y2="{self.py(y):.1f}" stroke="{FAINT}"/>'
            )
            self._text(self._left - 8, self.py(y) + 4, f"{y:g}{unit}", anchor="end")
        for x in xs:
            self._text(self.px(x), self.size[1] - self._bottom + 18, f"{x:g}", anchor="middle")

    def line(self, points: Points, color: str, width: float = 2.0, dash: str = "") -> None:
        path = " ".join(f"{self.px(x):.1f},{self.py(y):.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}" '
            f'stroke-linejoin="round"{dashed}/>'
        )

    def band(self, low: Points, high: Points, color: str) -> None:
        path = " ".join(f"{self.px(x):.1f},{self.py(y):.1f}" for x, y in [*low, *reversed(high)])
        self._parts.append(f'<polygon points="{path}" fill="{color}" fill-opacity="0.18"/>')

    def bar(
        self, x: float, width: float, y: float, color: str, label: Optional[str] = None
    ) -> None:
        left, top, base = self.px(x), self.py(y), self.py(self._y[0])
        span = self.px(x + width) - left
        self._parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{span:.1f}" height="{base - top:.1f}" '
            f'fill="{color}" rx="2"/>'
        )
        if label:
            self._text(left + span / 2, top - 5, label, size=11, anchor="middle")

    def note(self, x: float, y: float, text: str, color: str = INK, anchor: str = "start") -> None:
        self._text(self.px(x), self.py(y), text, color=color, anchor=anchor)

    def tick(self, x: float, text: str, row: int = 0) -> None:
        y = self.size[1] - self._bottom + 18 + 15 * row
        self._text(self.px(x), y, text, anchor="middle")

    def legend(self, entries: Sequence[tuple[str, str]]) -> None:
        x = float(self.size[0] - self._right)
        for name, color in reversed(entries):
            x -= 7.0 * len(name)
            self._text(x, 24, name)
            self._parts.append(
                f'<rect x="{x - 17:.1f}" y="14" width="12" height="12" fill="{color}" rx="2"/>'
            )
            x -= 32.0

    def render(self) -> str:
        width, height = self.size
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif">\n'
            f'<rect width="{width}" height="{height}" fill="{PAPER}" rx="8"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )
