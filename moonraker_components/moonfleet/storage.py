# Small texts that outlive a restart, in a closed namespace of Moonraker's database
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pinned certificates, learned heaters and the like; open jobs go to the history's own table."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Optional

logger = logging.getLogger("moonfleet")
NAMESPACE = "moonfleet"


class DatabaseStore:
    """The ``FleetStore`` of real life. A failing database is logged and costs memory, not work."""

    def __init__(self, database: Any, history: Any) -> None:
        # forbidden: no API may read it; a certificate or a heater's model is nobody's business
        self._space = database.register_local_namespace(NAMESPACE, forbidden=True)
        self._history = history

    async def load_text(self, printer: str, key: str) -> Optional[str]:
        try:
            value = await self._answer(self._space.get([printer, key], None))
        except Exception:
            logger.exception("moonfleet: the database could not be read")
            return None
        return value if isinstance(value, str) else None

    async def store_text(self, printer: str, key: str, value: Optional[str]) -> None:
        try:
            if value is not None:
                await self._answer(self._space.insert([printer, key], value))
            elif await self.load_text(printer, key) is not None:
                await self._answer(self._space.delete([printer, key]))
        except Exception:
            logger.exception("moonfleet: the database could not be written")

    @staticmethod
    async def _answer(future: Any) -> Any:
        """Moonraker's database thread stumbles over a future that was cancelled meanwhile."""
        return await asyncio.shield(future)

    async def load_open_jobs(self) -> Mapping[str, Mapping[str, Any]]:
        try:
            return dict(await self._history.load_open())
        except Exception:
            logger.exception("moonfleet: the open jobs could not be read")
            return {}

    def save_open_job(self, printer: str, job: Optional[Mapping[str, Any]]) -> None:
        self._history.save_open(printer, job)
