# The history as a file, streamed over HTTP
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``GET /server/moonfleet/history/export?format=csv|jsonl`` with the filters of ``history.list``.

Piece by piece: how many jobs there are does not matter. Authorization is Moonraker's; its request
handler is handed in by ``moonraker_adapter``.
"""

from __future__ import annotations

import time
from typing import Any

from .core.errors import MoonfleetError, one_line
from .merged_history import MergedHistory

PATH = "/server/moonfleet/history/export"
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
TEXTS = ("printer", "status", "search")
MOMENTS = ("since", "before")


def export_handler(
    request_handler: Any, http_error: Any, stream_closed: Any, history: MergedHistory
) -> Any:
    class HistoryExport(request_handler):  # type: ignore[misc]
        async def get(self) -> None:
            form = self.get_query_argument("format", "csv")
            try:
                pieces = history.export(form, **self._filters())
                # the first piece shows whether the question was a good one
                first = await pieces.__anext__()
            except MoonfleetError as error:
                raise http_error(error.status, reason=one_line(str(error))) from None
            day = time.strftime("%Y-%m-%d")
            self.set_header("Content-Type", TYPES[form])
            name = f"attachment; filename=moonfleet-jobs-{day}.{form}"
            self.set_header("Content-Disposition", name)
            self.write(first)
            try:
                async for piece in pieces:
                    self.write(piece)
                    await self.flush()
                await self.finish()
            except stream_closed:
                pass  # whoever asked hung up: no more is read for nobody
            finally:
                await pieces.aclose()

        def _filters(self) -> dict[str, Any]:
            filters: dict[str, Any] = {
                name: value
                for name in TEXTS
                if (value := self.get_query_argument(name, None)) is not None
            }
            for name in MOMENTS:
                text = self.get_query_argument(name, None)
                if text is not None:
                    filters[name] = _moment(name, text)
            return filters

    return HistoryExport


class BadMoment(MoonfleetError):
    pass


def _moment(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadMoment(f"{name}: '{text[:40]}' is no Unix time") from None
