# The endpoints: request parsing and JSON shapes, no state
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Each method is JSON-RPC and HTTP; docs/external_api.md describes them.

Results are objects, never ``null``: Fluidd attaches a property to whatever it receives.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Callable, Optional

from .arguments import number, whole
from .core.commands import Action, Command
from .core.errors import MoonfleetError, one_line
from .fleet import Fleet

if TYPE_CHECKING:
    from moonraker.common import WebRequest

    from .merged_history import MergedHistory

logger = logging.getLogger("moonfleet")
Handler = Callable[["WebRequest"], Awaitable[dict[str, Any]]]


def endpoint(server: Any, path: str, verb: str, handler: Handler) -> None:
    """Our errors become Moonraker's, with their status."""

    async def answer(request: WebRequest) -> dict[str, Any]:
        try:
            return await handler(request)
        except MoonfleetError as error:
            raise server.error(one_line(str(error)), error.status) from None

    server.register_endpoint(f"/server/moonfleet/{path}", [verb], answer)


class Api:
    """``server`` is Moonraker's; ``status`` gives what only the component knows."""

    def __init__(
        self,
        server: Any,
        fleet: Fleet,
        history: MergedHistory,
        status: Callable[[], dict[str, Any]],
        tell: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._server = server
        self._fleet = fleet
        self._history = history
        self._status = status
        self._tell = tell

    def register(self) -> None:
        reads: dict[str, Handler] = {
            "printers": self._printers,
            "printer": self._printer,
            "eta": self._eta,
            "events": self._events,
            "status": self._get_status,
            "history/list": self._history_list,
            "history/job": self._history_job,
            "history/totals": self._history_totals,
            "statistics": self._statistics,
            "maintenance/list": self._maintenance,
        }
        actions: dict[str, Handler] = {
            "print/pause": self._action(Action.PAUSE),
            "print/resume": self._action(Action.RESUME),
            "print/cancel": self._action(Action.CANCEL),
            "print/start": self._start,
            "history/delete": self._history_delete,
            "history/note": self._history_note,
            "maintenance/reset": self._maintenance_reset,
        }
        for path, handler in reads.items():
            endpoint(self._server, path, "GET", handler)
        for path, handler in actions.items():
            endpoint(self._server, path, "POST", handler)

    # ---- printers ---------------------------------------------------------------------------

    async def _printers(self, _request: WebRequest) -> dict[str, Any]:
        return {"printers": [printer.to_json() for printer in self._fleet.printers()]}

    async def _printer(self, request: WebRequest) -> dict[str, Any]:
        return self._fleet.printer(request.get_str("printer")).to_json()

    async def _get_status(self, _request: WebRequest) -> dict[str, Any]:
        return self._status()

    async def _eta(self, request: WebRequest) -> dict[str, Any]:
        name = self._printer_filter(request)
        heaters = [
            {"printer": printer.name, "heater": heater, **eta}
            for printer in self._fleet.printers()
            if name is None or printer.name == name
            for heater, eta in printer.heaters_json().items()
        ]
        return {"heaters": heaters, "time": round(self._fleet.clock(), 3)}

    def _action(self, action: Action) -> Handler:
        async def handle(request: WebRequest) -> dict[str, Any]:
            name = request.get_str("printer")
            result = await self._fleet.command(name, Command(action), "api")
            return {"printer": name, "action": action.value, **result.to_json()}

        return handle

    async def _start(self, request: WebRequest) -> dict[str, Any]:
        """``filename`` on the printer; what else a type understands is passed on to its bridge."""
        name = request.get_str("printer")
        args = {key: value for key, value in request.get_args().items() if key != "printer"}
        command = Command(Action.START, {**args, "filename": request.get_str("filename")})
        result = await self._fleet.command(name, command, "api")
        return {"printer": name, "action": Action.START.value, **result.to_json()}

    # ---- record -----------------------------------------------------------------------------

    async def _events(self, request: WebRequest) -> dict[str, Any]:
        args = request.get_args()
        limit = whole(args, "limit", 50, 1, 500)
        return await self._history.events(
            self._printer_filter(request), number(args, "since"), limit
        )

    async def _history_list(self, request: WebRequest) -> dict[str, Any]:
        args = request.get_args()
        return await self._history.list(
            printer=self._printer_filter(request),
            status=request.get_str("status", None),
            since=number(args, "since"),
            before=number(args, "before"),
            search=request.get_str("search", None),
            order=request.get_str("order", "desc"),
            start=whole(args, "start", 0, 0, 2**31),
            limit=whole(args, "limit", 50, 1, 1000),
        )

    async def _history_job(self, request: WebRequest) -> dict[str, Any]:
        return await self._history.job(request.get_str("job_id"))

    async def _history_delete(self, request: WebRequest) -> dict[str, Any]:
        job_id = request.get_str("job_id")
        job = await self._history.job(job_id)
        result = await self._history.delete(job_id)
        self._tell("deleted", job)
        return result

    async def _history_note(self, request: WebRequest) -> dict[str, Any]:
        job = await self._history.note(request.get_str("job_id"), request.get_str("notes"))
        self._tell("updated", job)
        return job

    async def _history_totals(self, request: WebRequest) -> dict[str, Any]:
        return await self._history.totals(self._printer_filter(request))

    async def _statistics(self, request: WebRequest) -> dict[str, Any]:
        args = request.get_args()
        return await self._history.statistics(
            printer=self._printer_filter(request),
            since=number(args, "since"),
            before=number(args, "before"),
        )

    async def _maintenance(self, request: WebRequest) -> dict[str, Any]:
        return await self._history.maintenance(self._printer_filter(request))

    async def _maintenance_reset(self, request: WebRequest) -> dict[str, Any]:
        name = self._fleet.printer(request.get_str("printer")).name
        return await self._history.reset_maintenance(name, request.get_str("counter"))

    def _printer_filter(self, request: WebRequest) -> Optional[str]:
        """None for all printers; an unknown name is an error, not an empty list."""
        name = request.get_str("printer", None)
        return None if name is None else self._fleet.printer(name).name
