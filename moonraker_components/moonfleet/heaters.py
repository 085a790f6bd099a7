# Heater ETA for bridged printers: one thermal tracker per heater
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The same model that runs inside klippy, fed with snapshots and without power.

``thermal`` is a link into the other half of the repository. Where that half is not mounted, there
are no estimates and everything else runs.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional

from .core.model import PrinterSnapshot

if TYPE_CHECKING:
    from .thermal.tracker import HeaterTracker
    from .thermal.types import Estimate

try:
    from .thermal.tracker import HeaterTracker as Tracker
    from .thermal.types import UNKNOWN_ESTIMATE, HeaterKind, HeaterSpec, HeaterState, Sample

    STEADY = frozenset({HeaterState.OFF, HeaterState.READY, HeaterState.COOLED})

    MISSING: Optional[str] = None
except ImportError as error:
    MISSING = (
        "moonfleet: heater ETA for bridged printers is off: the directory 'thermal' of the"
        f" component cannot be imported ({error}). Link or mount the whole repository,"
        " klippy_extras included, and restart Moonraker"
    )

TALKATIVE = 1.3  # s; a printer that reports this often takes the countdown along
SLICES = 20  # of learning work per second, each under a millisecond


class HeaterWatch:
    """The heaters of one bridged printer."""

    def __init__(self, printer: str, clock: Callable[[], float]) -> None:
        self.printer = printer
        self._clock = clock
        self._trackers: dict[str, HeaterTracker] = {}
        self._learned: dict[str, Mapping[str, Any]] = {}
        self._saved: dict[str, int] = {}
        self._lost = False
        self._observed_at: Optional[float] = None
        self.estimates: Mapping[str, Estimate] = {}

    async def restore(self, load: Callable[[str], Awaitable[Optional[str]]]) -> None:
        """What earlier lives learned; anything unusable counts as nothing learned."""
        if MISSING is not None:
            return
        text = await load("heaters")
        try:
            data = json.loads(text) if text else {}
        except (ValueError, RecursionError):
            data = {}
        if isinstance(data, dict):
            self._learned = {k: v for k, v in data.items() if isinstance(v, dict)}

    def unsaved(self) -> Optional[str]:
        """What `restore` wants back, when something new was learned since the last call."""
        revisions = {name: tracker.revision for name, tracker in self._trackers.items()}
        if all(self._saved.get(name, 0) == rev for name, rev in revisions.items()):
            return None
        self._saved = revisions
        for name, tracker in self._trackers.items():
            self._learned[name] = tracker.to_dict()
        return json.dumps(self._learned)

    def observe(self, snapshot: PrinterSnapshot) -> bool:
        """Take a report; True when the estimates changed."""
        if MISSING is not None:
            return False
        now = self._clock()
        for name, heater in snapshot.heaters.items():
            if heater.temperature is None or heater.target is None:
                continue
            tracker = self._trackers.get(name)
            if tracker is None:
                tracker = self._trackers[name] = Tracker(_spec(name), self._learned.get(name))
            tracker.update(Sample(now, heater.temperature, heater.target))
        self._lost = False
        self._observed_at = now
        return self._estimate(now)

    def tick(self) -> bool:
        """A turn of learning and of the countdown; True when the estimates changed."""
        for tracker in self._trackers.values():
            for _ in range(SLICES):
                if not tracker.work():
                    break
        now = self._clock()
        if self._lost or (self._observed_at is not None and now - self._observed_at < TALKATIVE):
            return False
        return self._estimate(now)

    def lost(self) -> None:
        """The connection is gone: what was predicted is no longer known."""
        self._lost = True
        if MISSING is None:
            self.estimates = dict.fromkeys(self._trackers, UNKNOWN_ESTIMATE)

    def _estimate(self, now: float) -> bool:
        old, new = self.estimates, {}
        for name, tracker in self._trackers.items():
            new[name] = tracker.estimate(now)
            # an idle printer is asked rarely; what held or was off still does
            if new[name].state is HeaterState.UNKNOWN and name in old:
                new[name] = old[name] if old[name].state in STEADY else new[name]
        self.estimates = new
        return {n: _visible(e) for n, e in old.items()} != {n: _visible(e) for n, e in new.items()}


def _spec(name: str) -> HeaterSpec:
    kind = {"heater_bed": HeaterKind.BED, "chamber": HeaterKind.CHAMBER}
    return HeaterSpec(name, kind.get(name, HeaterKind.HOTEND), has_power=False)


def _visible(estimate: Estimate) -> Estimate | tuple[HeaterState, int, Optional[str]]:
    """What is worth telling: a heater that holds or is off sends no updates."""
    if estimate.state in STEADY:
        return (estimate.state, estimate.learned, estimate.health)
    return estimate
