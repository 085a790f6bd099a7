# server.files.*: the running job's file, and an empty folder
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Read-only: the printer's own storage is not listed here, and the host's never is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..jsonrpc import RpcError, not_found
from ..router import Handler, Request

if TYPE_CHECKING:
    from ..printer import VirtualPrinter

ROOT = "gcodes"
WRITES = (
    "server.files.post_directory",
    "server.files.delete_directory",
    "server.files.move",
    "server.files.copy",
    "server.files.zip",
    "server.files.delete_file",
    "server.files.metascan",
    "printer.print.start",
    "server.files.upload",
)


def handlers(virtual: VirtualPrinter) -> dict[str, Handler]:
    family = Files(virtual)
    table: dict[str, Handler] = {
        "server.files.roots": family.roots,
        "server.files.list": family.list,
        "server.files.get_directory": family.directory,
        "server.files.metadata": family.metadata,
    }
    table.update(dict.fromkeys(WRITES, family.refuse))
    return table


class Files:
    def __init__(self, virtual: VirtualPrinter) -> None:
        self.virtual = virtual

    async def roots(self, request: Request) -> Any:
        return [{"name": ROOT, "path": "", "permissions": "r"}]

    async def list(self, request: Request) -> Any:
        return []

    async def directory(self, request: Request) -> Any:
        path = request.params.text("path", ROOT).strip("/")
        if path != ROOT:
            raise not_found(f"Directory '{path[:100]}' does not exist on {self.virtual.name}")
        return {
            "dirs": [],
            "files": [],
            "disk_usage": {"total": 0, "used": 0, "free": 0},
            "root_info": {"name": ROOT, "permissions": "r"},
        }

    async def metadata(self, request: Request) -> Any:
        name = request.params.text("filename")
        view = self.virtual.view()
        if not name or name != view.filename:
            raise not_found(f"Metadata not available for <{name[:100]}>")
        job = view.snapshot.job
        metadata: dict[str, Any] = {"filename": name, "size": 0, "modified": 0, "thumbnails": []}
        if self.virtual.printer.job is not None:
            metadata["print_start_time"] = self.virtual.printer.job.start_time
        if job is not None and job.layers is not None:
            metadata["layer_count"] = job.layers
        return metadata

    async def refuse(self, request: Request) -> Any:
        raise RpcError(
            501,
            f"'{request.method}' is not possible with {self.virtual.name}: its files are managed "
            "on the printer itself",
        )
