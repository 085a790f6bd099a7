# The windows of the connection to a printer
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Real printers get the defaults; tests shorten them."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.backoff import Backoff
from .discovery import SSDP_PORTS

_BACKOFF = Backoff(first=1.0, cap=60.0, jitter=0.2)
# Never less than a minute: printers lock out who keeps trying.
_AUTH_BACKOFF = Backoff(first=75.0, cap=600.0, jitter=0.2)


@dataclass(frozen=True)
class Timing:
    """Seconds, unless said otherwise."""

    backoff: Backoff = _BACKOFF
    auth_backoff: Backoff = _AUTH_BACKOFF
    connack: float = 15.0
    first_report: float = 10.0  # then ask again, and take deltas alone
    quiet: float = 60.0  # without a report: wake the printer
    patience: float = 8.0  # the woken printer has this long before it is called stale
    dead: float = 30.0  # still nothing: a new connection
    steady: float = 60.0  # a connection this old was a good one: start the back-off afresh
    answer: float = 5.0
    search_after: int = 4  # failures in a row, then listen for the printer's announcements
    search: float = 12.0
    ssdp_ports: tuple[int, ...] = SSDP_PORTS
    full_reports: float = 600.0  # between full reports of printers whose deltas omit the AMS
    refresh: float = 20.0  # least time between full reports asked for by commands
