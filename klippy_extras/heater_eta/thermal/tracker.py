# One heater: samples in, estimates out, learning at the end of each episode
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The one interface of the thermal model for both hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from .types import UNKNOWN_ESTIMATE, Estimate, HeaterSpec, Sample


class HeaterTracker:
    """Follows one heater. Not thread-safe; never raises on bad samples (it ignores them).

    ``learned`` is what ``to_dict`` returned in an earlier life; anything unusable in it is ignored.
    """

    def __init__(
        self,
        spec: HeaterSpec,
        learned: Optional[Mapping[str, Any]] = None,
        cool_threshold: Optional[float] = None,
    ) -> None:
        self.spec = spec
        #: rises whenever `to_dict` has something new worth saving
        self.revision = 0

    def update(self, sample: Sample) -> None:
        """Take one reading (any rate; readings older than the last one are ignored)."""

    def disturb(self, share: float = 0.3) -> None:
        """The losses may have changed by about ``share`` (fan, door, tool change)."""

    def estimate(self, now: float) -> Estimate:
        """What is known at ``now``; costs at most 300 microseconds."""
        return UNKNOWN_ESTIMATE

    def predict(self, start: float, target: float) -> Optional[float]:
        """Seconds a heat-up from ``start`` to ready at ``target`` would take, not yet begun."""
        return None

    def work(self) -> bool:
        """Do one slice (under 1 ms) of pending learning; True while more is pending."""
        return False

    def to_dict(self) -> dict[str, Any]:
        """What was learned, as JSON-able data with a ``version``."""
        return {}
