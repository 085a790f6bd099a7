# The place of another way to foretell a heat-up
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What an estimator must be able to do to take the place of the two-mass model.

Whoever foretells is corrected by its own earlier errors: states, settle tail, interval, learning
and what is kept stay the same. A heater's learned data belong to the estimator that made them.
"""

from __future__ import annotations

from typing import Callable, Optional, Protocol

from .simulate import Course
from .types import HeaterSpec


class Estimator(Protocol):
    """Foretells one heat-up; a fresh one is made when it begins, and again to learn from it."""

    def follow(self, time: float, temp: float, acting: float, power: float, target: float) -> None:
        """One second: temperature shown, power that acted in it and power set since (0..1)."""

    def forecast(self, target: float, dead: float) -> Optional[Course]:
        """Seconds from the last `follow` until ``target`` is reached and settled at.

        ``dead``: seconds for which what is set already acts on. None: no end in sight.
        """


#: makes one for a heat-up of this heater in a room of so many degrees
EstimatorFactory = Callable[[HeaterSpec, float], Estimator]
