# server.database.*: this printer's own namespaces
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Laid over nothing of the host's; see overlay.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..jsonrpc import bad_params
from ..lanes import lanes
from ..router import Handler, Request

if TYPE_CHECKING:
    from ..printer import VirtualPrinter

LANE_DATA = "lane_data"  # read by slicers that fill their filament list from the printer


def handlers(virtual: VirtualPrinter) -> dict[str, Handler]:
    family = Database(virtual)
    return {
        "server.database.list": family.list,
        "server.database.get_item": family.get_item,
        "server.database.post_item": family.post_item,
        "server.database.delete_item": family.delete_item,
    }


class Database:
    def __init__(self, virtual: VirtualPrinter) -> None:
        self.virtual = virtual

    async def list(self, request: Request) -> Any:
        names = self.virtual.overlay.namespaces()
        if self._lane_data():
            names.append(LANE_DATA)
        return {"namespaces": names, "backups": []}

    async def get_item(self, request: Request) -> Any:
        namespace, key = self._place(request)
        if namespace == LANE_DATA:
            return {"namespace": namespace, "key": key, "value": self._lane_data()}
        value = self.virtual.overlay.get(namespace, key)
        return {"namespace": namespace, "key": key, "value": value}

    async def post_item(self, request: Request) -> Any:
        namespace, key = self._place(request)
        if "value" not in request.params.values:
            raise bad_params("parameter 'value' is needed")
        value = request.params.values["value"]
        if namespace == LANE_DATA:
            raise bad_params(f"namespace '{LANE_DATA}' shows the printer's own slots, read only")
        self.virtual.overlay.set(namespace, key, value)
        await self.virtual.save(namespace)
        return {"namespace": namespace, "key": key, "value": value}

    async def delete_item(self, request: Request) -> Any:
        namespace, key = self._place(request)
        value = self.virtual.overlay.delete(namespace, key)
        await self.virtual.save(namespace)
        return {"namespace": namespace, "key": key, "value": value}

    def _place(self, request: Request) -> tuple[str, Any]:
        namespace = request.params.text("namespace")
        if not namespace or len(namespace) > 64:
            raise bad_params("parameter 'namespace' must have 1 to 64 characters")
        return namespace, request.params.values.get("key")

    def _lane_data(self) -> dict[str, Any]:
        return {
            lane.name: {
                "lane": str(number),
                "material": lane.slot.material,
                "color": f"#{lane.slot.color}" if lane.slot.color else None,
                "name": lane.slot.material,
            }
            for number, lane in enumerate(lanes(self.virtual.printer.snapshot.filament))
            if lane.present
        }
