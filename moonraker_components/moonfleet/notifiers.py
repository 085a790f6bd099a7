# Events to Moonraker's own [notifier] sections
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A printer names its notifiers; only what somebody away from the printer wants to know is sent.

Moonraker's notifier component is handed in. A notifier renders its own ``title`` and ``body``
templates with ``event_name``, ``event_args`` (twice the event, as templates written for Klipper's
jobs ask for ``event_args[1].filename``) and ``event_message`` (one sentence).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Callable, Optional

from .fleet import Fleet, Printer

logger = logging.getLogger("moonfleet")
TIMEOUT = 60.0  # s for one delivery
PENDING = 20  # deliveries under way; a dead service must not pile them up

SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "fault": lambda e: f"fault {e['code']} ({e['severity']})",
    "job_finished": lambda e: f"{_name(e)} has ended: {e['status']}",
    "job_paused": lambda e: f"{_name(e)} is paused",
    "printer_offline": lambda e: "has been out of reach for a while",
    "printer_online": lambda e: "is back",
    "bed_cool": lambda e: "the bed is cool, the part can be taken off",
    "guard": lambda e: e["message"] + _outcome(e),
    "maintenance_due": lambda e: f"maintenance is due: {e['counter']}",
    "firmware_changed": lambda e: f"runs firmware {e['firmware']} now",
}


def sentence(printer: Printer, event: Mapping[str, Any]) -> Optional[str]:
    """What a person reads on the telephone; None for what is not sent."""
    write = SENTENCES.get(str(event.get("type")))
    return None if write is None else f"{printer.settings.display_name}: {write(event)}"


def _name(event: Mapping[str, Any]) -> str:
    return str(event.get("name") or event.get("filename") or "the job")


def _outcome(event: Mapping[str, Any]) -> str:
    if event.get("result") is None:
        return ""
    if event["result"] == "accepted":
        return "; it was paused"
    return f"; it could NOT be paused: {event['reason']}"


class Notifiers:
    """Listens to the fleet's events and hands them on, in the background."""

    def __init__(self, fleet: Fleet, find: Callable[[], Mapping[str, Any]]) -> None:
        self._fleet = fleet
        self._find = find
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: set[str] = set()
        self._remove = fleet.listen_events(self._event)

    def unknown(self) -> list[str]:
        """One sentence for each name that no [notifier] section has."""
        known = self._find()
        return [
            f"[moonfleet {printer.name}] option 'notifiers': '{name[:60]}' is not known;"
            f" add a section [notifier {name[:60]}] or remove the name"
            for printer in self._fleet.printers()
            for name in printer.settings.notifiers
            if name not in known
        ]

    async def stop(self) -> None:
        self._remove()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _event(self, event: Mapping[str, Any]) -> None:
        printer = self._fleet.printer(event["printer"])
        if not printer.settings.notifiers:
            return
        if event["type"] == "printer_online" and not event.get("returned"):
            return  # the first contact after a start is no news to anybody
        text = sentence(printer, event)
        known = self._find()
        for name in printer.settings.notifiers:
            if text is not None and name in known and len(self._tasks) < PENDING:
                task = asyncio.ensure_future(self._send(name, known[name], event, text))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _send(self, name: str, notifier: Any, event: Mapping[str, Any], text: str) -> None:
        # without a body of its own a notifier sends the event's name
        plain = getattr(notifier, "body", None) is None
        kind = text if plain else f"moonfleet_{event['type']}"
        try:
            call = notifier.notify(kind, [dict(event), dict(event)], text)
            await asyncio.wait_for(call, TIMEOUT)
            self._told.discard(name)
        except Exception as error:
            # the URL of a notifier holds its credentials: only the kind of the error is logged
            if name not in self._told:
                self._told.add(name)
                logger.warning("moonfleet: notifier %s failed: %s", name, type(error).__name__)
