# What both flavours answer alike, and the upload they share
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A ``Flavour`` turns a request that passed authentication into a response."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from typing import Any, Optional

from .faults import Faults
from .files import Incoming, Storage, StoredFile
from .http import Request, Response
from .machine import Machine, PrintJob

PRINTABLE = (".g", ".gc", ".gco", ".gcode", ".bgcode", ".bgc")


class Flavour(ABC):
    version = "HTTP/1.1"
    chunked = False
    storage_name = ""

    def __init__(
        self, machine: Machine, storage: Storage, faults: Faults, model: str, serial: str
    ) -> None:
        self.machine = machine
        self.storage = storage
        self.faults = faults
        self.model = model
        self.serial = serial
        self.incoming: Optional[Incoming] = None
        self.inspection_delay = 0.0  # s between the blocks of an upload, for tests that watch

    @abstractmethod
    async def answer(self, request: Request) -> Response: ...

    @abstractmethod
    def error(self, request: Request, status: int, title: str, message: str = "") -> Response: ...

    # -- the job ------------------------------------------------------------------------------

    def job_command(self, request: Request, parts: list[str]) -> Response:
        """``/api/v1/job/{id}`` and ``/api/v1/job/{id}/{command}``."""
        machine = self.machine
        machine.advance()
        if not parts[0].isdigit():
            return self.error(request, 400, "Bad Request")
        if machine.job is None or machine.job.id != int(parts[0]):
            text = "Given job id does not belong to current job"
            return self.error(request, 404, "Not Current Job", text)
        if request.method == "DELETE" and len(parts) == 1:
            done = self.may_stop() and machine.stop()
            return Response(204) if done else self.wrong_state(request, "printing")
        if request.method == "PUT" and len(parts) == 2:
            if parts[1] == "pause":
                return Response(204) if machine.pause() else self.wrong_state(request, "printing")
            if parts[1] == "resume":
                return Response(204) if machine.resume() else self.wrong_state(request, "paused")
        return self.error(request, 400, "Bad Request")

    def may_stop(self) -> bool:
        return True

    def wrong_state(self, request: Request, needed: str) -> Response:
        title = f"Printer Is Not {needed.title()}"
        text = f"Operation you want can only be done when printer is {needed}."
        return self.error(request, 409, title, text)

    def start_file(self, request: Request, file: Optional[StoredFile]) -> Response:
        if file is None:
            return self.error(request, 404, "File Not Found", "File you want was not found.")
        if self.machine.start_print(file):
            return Response(204)
        text = "Printer is not in state to print."
        return self.error(request, 409, "Not in state to print", text)

    def delete_file(self, request: Request, path: str) -> Response:
        file = self.storage.find(path)
        job = self.machine.job
        if file is not None:
            if job is not None and job.file is file:
                text = "You try to do an operation with the file, which is currently printed."
                return self.error(request, 409, "File is currently printed", text)
            del self.storage.files[file.path]
            return Response(204)
        folder = path.strip("/")
        if folder and folder in self.storage.folders:
            files, folders = self.storage.children(folder)
            if (files or folders) and request.headers.get("force") != "?1":
                return self.error(request, 409, "Directory not empty", "Directory is not empty.")
            self.storage.folders.discard(folder)
            for known in [name for name in self.storage.files if name.startswith(folder + "/")]:
                del self.storage.files[known]
            return Response(204)
        return self.error(request, 404, "File Not Found", "File you want was not found.")

    # -- uploads ------------------------------------------------------------------------------

    async def receive(self, request: Request, path: str) -> StoredFile:
        incoming = self.incoming = Incoming(path, request.left)
        try:
            async for chunk in request.body():
                incoming.take(chunk)
                if self.faults.stalled is not None:
                    await self.faults.stalled.wait()
                if self.inspection_delay:
                    await asyncio.sleep(self.inspection_delay)
        finally:
            self.incoming = None
        file = incoming.finish()
        if self.faults.late_files:
            loop = asyncio.get_running_loop()
            loop.call_later(self.faults.late_files, self.storage.add, file)
            return file
        return self.storage.add(file)

    def is_full(self, request: Request) -> bool:
        free = self.faults.free_space
        return free is not None and free <= request.left

    def transfer(self) -> dict[str, Any]:
        incoming = self.incoming
        assert incoming is not None
        spent = int(time.monotonic() - incoming.started)
        share = incoming.received / incoming.size if incoming.size else 1.0
        return {
            "type": "FROM_CLIENT",
            "display_name": incoming.path.rsplit("/", 1)[-1],
            "path": f"/{self.storage_name}",
            "size": incoming.size,
            "progress": round(100.0 * share, 2),
            "transferred": incoming.received,
            "time_transferring": spent,
            "to_print": False,
        }

    @property
    def job(self) -> Optional[PrintJob]:
        return self.machine.job
