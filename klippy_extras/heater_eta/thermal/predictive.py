# How Kalico's MPC decides: its own model of the heater, and what it thinks right now
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""MPC leaves full power when *its* block is near the target, and *its* model has one mass only.

Where that model is wrong the last degrees creep. Whoever wants to know when it ends has to think
as it does, with its constants and its present state; our own physics only provide the sensor.
"""

from __future__ import annotations

import math
from typing import Optional

from .model import ConstantPower
from .types import HeaterSpec, Predictor

_HORIZON = 7200.0
_SHARE = 0.35  # of the remaining way, per step at full power
_SHORTEST, _LONGEST = 0.5, 20.0  # s


class Mind:
    """The state of one MPC controller. Its sensor state sticks to the sensor: one number is left,
    how far it believes the block to be ahead of it."""

    __slots__ = ("ahead", "ambient", "model")

    def __init__(self, model: Predictor, ahead: float, ambient: float) -> None:
        self.model = model
        self.ahead = ahead
        self.ambient = ambient

    @classmethod
    def of(cls, spec: HeaterSpec) -> Optional[Mind]:
        model = spec.predictor
        if model is None:
            return None
        mind = cls(model, 0.0, model.ambient)
        mind.listen()
        mind.ahead = 0.0
        return mind

    def copy(self) -> Mind:
        return Mind(self.model, self.ahead, self.ambient)

    def listen(self) -> bool:
        """Take over what the controller itself says it thinks."""
        said = self.model.live() if self.model.live is not None else None
        if said is None:
            return False
        self.ahead, self.ambient = said
        return True

    def power(self, shown: float, target: float) -> float:
        """The share of power it asks for; beyond 0..1 it is saturated."""
        model = self.model
        block = shown + self.ahead
        wish = (target - block) / model.reach_time + model.loss * (block - self.ambient)
        return wish / model.gain

    def step(self, h: float, shown: float, rise: float, power: float) -> None:
        """``rise`` of the sensor in ``h`` seconds from ``shown``, with this power acting."""
        model = self.model
        block = shown + 0.5 * rise + self.ahead
        rate = model.gain * power - model.loss * (block - self.ambient)
        surprise = rise / h - model.response * self.ahead
        if abs(rate + surprise) < model.steady_rate:
            # what its model does not explain it takes for a change of the room
            least = model.ambient_step
            move = max(surprise, least) if surprise > 0.0 else min(surprise, -least)
            self.ambient += move * min(h, 1.0)
        ahead = rate / model.response
        self.ahead = ahead + (self.ahead - ahead) * math.exp(-model.response * h)

    def saturated(self, full: ConstantPower, target: float, top: float) -> Optional[float]:
        """Seconds until it takes the power back, and its state then; None: never."""
        t = 0.0
        shown, slope = full.sensor(t)
        while True:
            surplus = self.power(shown, target) - top
            if surplus <= 0.0:
                return t
            gap = surplus * self.model.gain * self.model.reach_time
            speed = max(slope, full.block_slope(t), 1e-3)
            h = min(_LONGEST, max(_SHORTEST, _SHARE * gap / speed))
            t += h
            if t > _HORIZON:
                return None
            before = shown
            shown, slope = full.sensor(t)
            self.step(h, before, shown - before, top)
