# The endpoints that change who is in the fleet
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``server.moonfleet.printers.*`` and ``.discover``; docs/external_api.md describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .api import Handler, endpoint
from .arguments import number
from .fleet import Fleet
from .managed import ManagedPrinters
from .request_log import protect

if TYPE_CHECKING:
    from moonraker.common import WebRequest


class PrintersApi:
    def __init__(self, server: Any, fleet: Fleet, managed: ManagedPrinters) -> None:
        self._server = server
        self._fleet = fleet
        self._managed = managed

    def register(self) -> None:
        actions: dict[str, Handler] = {
            "printers/add": self._add,
            "printers/update": self._update,
            "printers/remove": self._remove,
            "printers/test": self._test,
            "printers/repin": self._repin,
            "discover": self._discover,
        }
        protect()
        for path, handler in actions.items():
            endpoint(self._server, path, "POST", handler)

    async def _add(self, request: WebRequest) -> dict[str, Any]:
        return await self._managed.add(request.get_str("name"), _options(request, "name"))

    async def _update(self, request: WebRequest) -> dict[str, Any]:
        name = self._fleet.printer(request.get_str("printer")).name
        return await self._managed.update(name, _options(request, "printer"))

    async def _remove(self, request: WebRequest) -> dict[str, Any]:
        return await self._managed.remove(self._fleet.printer(request.get_str("printer")).name)

    async def _test(self, request: WebRequest) -> dict[str, Any]:
        return await self._managed.test(_options(request, "name"))

    async def _repin(self, request: WebRequest) -> dict[str, Any]:
        name = self._fleet.printer(request.get_str("printer")).name
        await self._fleet.repin(name)
        return {"printer": name}

    async def _discover(self, request: WebRequest) -> dict[str, Any]:
        seconds = number(request.get_args(), "seconds") or 5.0
        return await self._managed.discover(max(1.0, min(15.0, seconds)))


def _options(request: WebRequest, name: str) -> Mapping[str, Any]:
    """Everything but the printer's name is an option of its section."""
    return {key: value for key, value in request.get_args().items() if key != name}
