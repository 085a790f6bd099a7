# How long until it is cool
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The same two masses without power, and this heater's own time through each 5 C of earlier
cool-downs. The way the present one runs scales what the earlier ones say."""

from __future__ import annotations

from typing import Optional

from .ekf import Filter
from .memory import COOL_BIN, Memory
from .model import ConstantPower
from .traits import Traits

_SHRINK = {True: 30.0, False: 100.0}  # s of agreement that a scale of 1 counts as
_BLEND = 0.5
_TRUST = 0.9  # of what earlier cool-downs say, against the model


class CoolDown:
    """One cool-down while it runs."""

    def __init__(
        self,
        traits: Traits,
        hot: bool,
        memory: Memory,
        shown: float,
        ambient: float,
    ) -> None:
        self._hot, self._memory = hot, memory
        self._filter = Filter(traits, traits.cool_prior, traits.cool_sd, ambient)
        share, sd = traits.cool_inner
        inner = shown - share * max(0.0, shown - ambient)
        self._filter.place(shown, at_rest=False, inner=inner)
        self._filter.set_variance(1, sd * sd)
        self._time: Optional[float] = None
        self._shown = shown
        self._edge: Optional[tuple[int, float]] = None  # the last bin border passed, and when
        self._known = dict(memory.cooling)  # as it was before this cool-down
        self.learned = False
        self._actual = self._said = 0.0  # seconds through whole known bins

    def second(self, time: float, shown: float) -> None:
        """One second's mean."""
        if self._time is not None and time > self._time:
            dt = time - self._time
            if dt > 30.0:
                self._edge = None
            else:
                self._filter.advance(dt, 0.0, True)
                self._filter.correct(shown, True)
                self._cross(self._time, self._shown, time, shown)
        self._time, self._shown = time, shown

    def _cross(self, t0: float, from_: float, t1: float, to: float) -> None:
        """Note the borders between bins that were passed on the way down."""
        if to >= from_:
            return
        border = int(from_ // COOL_BIN)
        while border * COOL_BIN >= to:
            level = border * COOL_BIN
            if level < from_ or self._edge is None:
                when = t0 + (t1 - t0) * (from_ - level) / (from_ - to)
                if self._edge is not None and self._edge[0] == border + 1:
                    self._learn(border, when - self._edge[1])
                if self._edge is None or border < self._edge[0]:
                    self._edge = (border, when)
            border -= 1

    def _learn(self, index: int, seconds: float) -> None:
        seconds = min(3600.0, max(0.05, seconds))
        known = self._known.get(index)
        if known is not None:
            self._actual += seconds
            self._said += known
        self.learned = True
        self._memory.note_cooling(index, seconds, _BLEND)

    def left(self, goal: float) -> Optional[float]:
        """Seconds until ``goal``; None when the model sees no end."""
        shown = self._shown
        if shown <= goal:
            return 0.0
        model = self._model(shown, goal)
        total = 0.0
        level = shown
        while level > goal:
            index = int(level // COOL_BIN)
            if index * COOL_BIN >= level:
                index -= 1
            low = max(goal, index * COOL_BIN)
            known = self._known.get(index)
            if known is None:
                part = self._model(level, low)
                if part is None:
                    return model
                total += part
            else:
                total += known * self._scale() * (level - low) / COOL_BIN
            level = low
        if model is None or not self._known:
            return total if self._known else model
        return _TRUST * total + (1.0 - _TRUST) * model

    def _scale(self) -> float:
        k = _SHRINK[self._hot]
        return min(3.0, max(0.33, (self._actual + k) / (self._said + k)))

    def _model(self, shown: float, goal: float) -> Optional[float]:
        f = self._filter
        course = ConstantPower(f.plain, f.ambient, 0.0, f.temps)
        end = course.falls_to(goal)
        begin = course.falls_to(shown)
        if end is None or begin is None:
            return None
        return max(0.0, end - begin)
