# One printer as everybody else sees it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``Printer`` is the view, ``Change`` the news of it; only the fleet writes to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Optional

from .bridges.base import Connection, Link, PrinterSettings
from .core.commands import ALWAYS_TAKEN, Action, permits
from .core.finish import UNCORRECTED, Finish, predict
from .core.model import Accepts, PrinterSnapshot

if TYPE_CHECKING:
    from .core.jobs import OpenJob
    from .thermal.types import Estimate

LOCAL = "klipper"  # the reserved name of the local printer


@dataclass(frozen=True)
class Change:
    """What one report, one turn of the wire or one second of a heat-up changed."""

    printer: str
    before: PrinterSnapshot
    after: PrinterSnapshot
    connection: Connection
    connection_changed: bool
    heaters: Mapping[str, Estimate] = field(default_factory=dict)
    time: float = 0.0  # Unix


class Printer:
    """Read-only for everybody but the fleet."""

    def __init__(
        self,
        settings: PrinterSettings,
        bridge_actions: frozenset[Action],
        clock: Callable[[], float],
        eta_clock: Callable[[], float],
    ) -> None:
        self.name = settings.name
        self.settings = settings
        self.bridge_actions = bridge_actions
        self.snapshot = PrinterSnapshot()
        self.connection = Connection()
        self.managed = False  # lives in the database, not in moonraker.conf
        self.heaters: Mapping[str, Estimate] = {}
        self.job: Optional[OpenJob] = None
        #: what the printer's own remaining time has to be multiplied with
        self.correction = UNCORRECTED
        self._permitted: frozenset[Action] = frozenset()
        self._permitted_of: Optional[frozenset[Action]] = None
        self._clock = clock
        self._eta_clock = eta_clock

    @property
    def online(self) -> bool:
        return self.connection.state is Link.ONLINE

    @property
    def local(self) -> bool:
        return self.name == LOCAL

    def eta_clock(self) -> float:
        """Now, on the clock of ``Estimate.finish_time``."""
        return self._eta_clock()

    def actions(self) -> frozenset[Action]:
        """What is permitted by ``control`` and possible with this printer."""
        if self._permitted_of is not self.bridge_actions:  # asked for with each report
            level = self.settings.control
            self._permitted = frozenset(a for a in self.bridge_actions if permits(level, a))
            self._permitted_of = self.bridge_actions
        if self.snapshot.accepts_commands is Accepts.NO:
            return self._permitted & ALWAYS_TAKEN
        return self._permitted

    def finish(self) -> Optional[Finish]:
        """When the job will be finished, corrected by the past, with the heat-up still to come."""
        shown = self.snapshot.job
        if self.job is None or shown is None:
            return None
        heating = None
        if not shown.progress:
            etas = [e.eta for e in self.heaters.values() if e.heating and e.eta is not None]
            heating = max(etas, default=None)
        return predict(shown.time_left, self.correction, heating)

    def capabilities(self) -> list[str]:
        """The words of ``actions``."""
        return sorted(action.value for action in self.actions())

    def to_json(self) -> dict[str, Any]:
        """``PrinterInfo`` of docs/external_api.md; every key always present."""
        settings = self.settings
        return {
            "name": self.name,
            "display_name": settings.display_name,
            "type": settings.type,
            "managed": self.managed,
            "online": self.online,
            "connection": self.connection.to_json(),
            "control": settings.control.value,
            "capabilities": self.capabilities(),
            "snapshot": self.snapshot.to_json(),
            "heaters": self.heaters_json(),
            "job": self._job_json(),
            "virtual": None
            if self.local
            else {"path": f"/websocket/moonfleet/{self.name}", "port": settings.virtual_port},
        }

    def heaters_json(self) -> dict[str, dict[str, Any]]:
        """``{heater: HeaterEta}``; seconds are counted down to the moment of asking."""
        return {
            name: heater_json(estimate, self._clock(), self._eta_clock())
            for name, estimate in self.heaters.items()
        }

    def _job_json(self) -> Optional[dict[str, Any]]:
        job, finish = self.job, self.finish()
        if job is None:
            return None
        return {
            "job_id": job.job_id,
            "start_time": job.start_time,
            "start_estimated": job.start_estimated,
            "total_duration": job.total_duration,
            "print_duration": job.print_duration,
            "energy": job.energy,
            "finish": None if finish is None else _finish_json(finish),
        }


def _finish_json(finish: Finish) -> dict[str, Any]:
    return {
        "time_left": round(finish.left),
        "low": round(finish.low),
        "high": round(finish.high),
        "learned": finish.corrected,
    }


def heater_json(estimate: Estimate, unix: float, now: float) -> dict[str, Any]:
    """One ``HeaterEta``: ``ready_at`` is the wall-clock time at which the heater will be ready."""
    ready_at = None
    if estimate.heating and estimate.finish_time is not None:
        ready_at = round(unix + estimate.finish_time - now, 1)
    return {
        "state": estimate.state.value,
        "heating": estimate.heating,
        "ready": estimate.ready,
        "eta": _rounded(estimate.eta),
        "eta_reached": _rounded(estimate.eta_reached),
        "eta_low": _rounded(estimate.eta_low),
        "eta_high": _rounded(estimate.eta_high),
        "progress": _rounded(estimate.progress, 3),
        "rate": _rounded(estimate.rate, 3),
        "learned": estimate.learned,
        "cooldown_eta": _rounded(estimate.cooldown_eta),
        "ready_at": ready_at,
        "health": estimate.health,
    }


def _rounded(value: Optional[float], digits: int = 1) -> Optional[float]:
    return None if value is None else round(value, digits)
