# Thermal model of a heater, shared by klippy and Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""PURE: standard library only, no klippy, no Moonraker, no clock, no I/O."""

from .estimator import Estimator, EstimatorFactory
from .tracker import HeaterTracker
from .types import Estimate, HeaterKind, HeaterSpec, HeaterState, Sample

__all__ = [
    "Estimate",
    "Estimator",
    "EstimatorFactory",
    "HeaterKind",
    "HeaterSpec",
    "HeaterState",
    "HeaterTracker",
    "Sample",
]
