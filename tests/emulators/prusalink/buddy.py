# Buddy: the server inside the printer's firmware
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Shapes as recorded from an XL and as the firmware's renderers write them."""

from __future__ import annotations

import math
from typing import Any

from .files import StoredFile, png
from .flavour import PRINTABLE, Flavour
from .http import Request, Response, json_response

LONGEST_TARGET = 168
TYPES = {
    "MINI": "2.1.0",
    "MK3.5": "1.3.5",
    "MK3.9": "1.3.9",
    "MK4": "1.4.0",
    "MK4S": "1.4.1",
    "XL": "3.1.0",
    "CORE One": "7.1.0",
}
#: these models say who they are; the XL and the MINI stay silent
TALKATIVE = ("CORE One", "MK4", "MK4S", "MK3.9", "MK3.5")


class Buddy(Flavour):
    chunked = True
    storage_name = "usb"

    async def answer(self, request: Request) -> Response:
        if len(request.target) > LONGEST_TARGET:
            return self.error(request, 414, "URI Too Long")
        if request.chunked:
            return self.error(request, 411, "Length Required")
        path = request.path.rstrip("/")
        parts = path.strip("/").split("/")
        self.machine.advance()
        if parts[:3] == ["api", "v1", "job"] and len(parts) > 3:
            return self.job_command(request, parts[3:])
        if parts[:3] == ["api", "v1", "files"] and len(parts) > 3:
            return await self._files(request, parts[3], "/".join(parts[4:]))
        if request.method != "GET":
            return self.error(request, 405, "Method Not Allowed")
        if parts[0] == "thumb" and len(parts) > 3:
            return self._thumbnail(request, parts)
        if parts[0] == "usb" and len(parts) > 1:
            return self._download(request, "/".join(parts[1:]))
        views = {
            "/api/version": self._version,
            "/api/v1/info": self._info,
            "/api/v1/status": self._status,
            "/api/v1/storage": self._storage,
            "/api/printer": self._printer,
            "/api/settings": lambda: {"printer": {}},
        }
        if path in views:
            return json_response(views[path]())
        if path == "/api/v1/job":
            return Response(204) if self.job is None else json_response(self._job())
        if path == "/api/v1/transfer":
            if self.incoming is None:
                return Response(204)
            return json_response({**self.transfer(), "size": str(self.incoming.size)})
        return self.error(request, 404, "Not Found")

    def error(self, request: Request, status: int, title: str, message: str = "") -> Response:
        close = status != 404 and request.method in ("PUT", "POST")
        text = f"{status}: {title}"
        if "application/json" in request.headers.get("accept", ""):
            response = json_response({"title": text, "message": message[:100]}, status)
        else:
            response = Response(status, text.encode(), "text/plain")
        response.close = close
        return response

    # -- views ----------------------------------------------------------------------------------

    def _version(self) -> dict[str, Any]:
        said = {
            "api": "2.0.0",
            "server": "2.1.2",
            "nozzle_diameter": 0.4,
            "text": "PrusaLink",
            "hostname": "prusa-" + self.model.lower().replace(" ", "-"),
            "capabilities": {"upload-by-put": True},
        }
        if self.model in TALKATIVE:
            said.update(firmware="6.5.3+12000", printer=TYPES[self.model])
        return said

    def _info(self) -> dict[str, Any]:
        return {
            "nozzle_diameter": 0.4,
            "mmu": False,
            "serial": self.serial,
            "hostname": "prusa-" + self.model.lower().replace(" ", "-"),
            "min_extrusion_temp": 170,
        }

    def _status(self) -> dict[str, Any]:
        machine, job = self.machine, self.job
        said: dict[str, Any] = {}
        shown = machine.state not in ("BUSY", "FINISHED", "STOPPED", "IDLE")
        if job is not None and shown:
            said["job"] = {
                "id": job.id,
                "progress": round(math.floor(job.progress * 100.0), 2),
                "time_remaining": max(0, round(job.length - job.elapsed)),
                "time_printing": int(job.elapsed),
            }
        if self.incoming is not None:
            known = self.transfer()
            said["transfer"] = {
                "id": 1,
                "time_transferring": known["time_transferring"],
                "progress": known["progress"],
                "transferred": known["transferred"],
            }
        said["storage"] = {"path": "/usb/", "name": "usb", "read_only": False}
        printer: dict[str, Any] = {
            "state": machine.state,
            "temp_bed": round(machine.bed.temperature, 1),
            "target_bed": machine.bed.target,
            "temp_nozzle": round(machine.nozzle.temperature, 1),
            "target_nozzle": machine.nozzle.target,
            "axis_z": round(machine.z, 1),
            "flow": 100,
            "speed": 100,
            "fan_hotend": 5000 if machine.nozzle.temperature > 50 else 0,
            "fan_print": 2500 if job is not None and job.printing else 0,
        }
        if machine.state not in ("PRINTING", "PAUSED"):
            printer.update(axis_x=0.0, axis_y=0.0)
        said["printer"] = printer
        return said

    def _job(self) -> dict[str, Any]:
        job = self.job
        assert job is not None
        state = "PAUSED" if self.machine.state == "ATTENTION" else self.machine.state
        return {
            "id": job.id,
            "state": state,
            "progress": math.floor(job.progress * 100.0),
            "time_remaining": max(0, round(job.length - job.elapsed)),
            "time_printing": int(job.elapsed),
            "file": {
                "refs": self._refs(job.file),
                "name": job.file.short,
                "display_name": job.file.name,
                "path": "/".join(["/usb", *job.file.short_path.split("/")[:-1]]),
                "size": job.file.size,
                "m_timestamp": job.file.modified,
            },
        }

    def _refs(self, file: StoredFile) -> dict[str, str]:
        short = file.short_path
        return {
            "icon": f"/thumb/s/usb/{short}",
            "thumbnail": f"/thumb/l/usb/{short}",
            "download": f"/usb/{short}",
        }

    def _storage(self) -> dict[str, Any]:
        entry = {"path": "/usb/", "name": "usb", "type": "USB", "read_only": False}
        return {"storage_list": [{**entry, "available": not self.faults.no_storage}]}

    def _printer(self) -> dict[str, Any]:
        machine = self.machine
        return {
            "telemetry": {
                "temp-bed": round(machine.bed.temperature, 1),
                "temp-nozzle": round(machine.nozzle.temperature, 1),
                "print-speed": 100,
                "z-height": round(machine.z, 1),
                "material": machine.material,
            },
            "temperature": {
                "tool0": {
                    "actual": round(machine.nozzle.temperature, 1),
                    "target": machine.nozzle.target,
                    "display": machine.nozzle.target,
                    "offset": 0,
                },
                "bed": {
                    "actual": round(machine.bed.temperature, 1),
                    "target": machine.bed.target,
                    "offset": 0,
                },
            },
            "state": {
                "text": machine.state.title(),
                "flags": {
                    "link_state": machine.state,
                    "operational": machine.state == "IDLE",
                    "paused": machine.state == "PAUSED",
                    "printing": machine.state == "PRINTING",
                    "cancelling": False,
                    "pausing": False,
                    "error": False,
                    "sdReady": False,
                    "closedOnError": False,
                    "ready": machine.state == "IDLE",
                    "busy": machine.state == "BUSY",
                },
            },
        }

    # -- files ----------------------------------------------------------------------------------

    async def _files(self, request: Request, storage: str, path: str) -> Response:
        if storage != "usb":
            return self.error(request, 404, "Not Found")
        method, file = request.method, self.storage.find(path)
        if method in ("GET", "HEAD"):
            return self._show(request, path, file)
        if method == "POST":
            response = self.start_file(request, file)
            response.close = True
            return response
        if method == "DELETE":
            return self.delete_file(request, path)
        if method != "PUT":
            return self.error(request, 405, "Method Not Allowed")
        return await self._put(request, path)

    def _show(self, request: Request, path: str, file: StoredFile | None) -> Response:
        if file is not None:
            return json_response(self._entry(file, size=True))
        folder = path.strip("/")
        if folder not in self.storage.folders:
            return self.error(request, 404, "Not Found")
        files, folders = self.storage.children(folder)
        children: list[dict[str, Any]] = [
            {
                "name": name.rsplit("/", 1)[-1],
                "display_name": name.rsplit("/", 1)[-1],
                "ro": False,
                "type": "FOLDER",
                "m_timestamp": 1700000000,
                "refs": {},
            }
            for name in folders
        ]
        children += [self._entry(child, size=False) for child in files]
        name = folder.rsplit("/", 1)[-1] or "usb"
        return json_response(
            {"type": "FOLDER", "ro": False, "name": name, "children": children}, ETag='"1"'
        )

    def _entry(self, file: StoredFile, *, size: bool) -> dict[str, Any]:
        said: dict[str, Any] = {
            "name": file.short,
            "display_name": file.name,
            "ro": False,
            "type": "PRINT_FILE",
            "m_timestamp": file.modified,
            "refs": self._refs(file),
        }
        if size:
            said["size"] = file.size
        return said

    async def _put(self, request: Request, path: str) -> Response:
        if request.headers.get("create-folder") == "?1":
            if path in self.storage.folders:
                return self.error(request, 409, "Conflict", "Folder already exists")
            self.storage.folders.add(path)
            return Response(201)
        if "content-length" not in request.headers:
            return self.error(request, 411, "Length Required")
        if request.left == 0:
            return self.error(request, 501, "Not Implemented", "Empty file")
        if not path.lower().endswith(PRINTABLE):
            return self.error(request, 415, "Unsupported Media Type", "Not a printable file")
        if self.incoming is not None:
            return self.error(request, 409, "Conflict", "Another transfer in progress")
        if self.storage.find(path) is not None and request.headers.get("overwrite") != "?1":
            return self.error(request, 409, "Conflict", "File already exists")
        if self.is_full(request):
            return self.error(request, 507, "Insufficient Storage", "USB drive full")
        file = await self.receive(request, path)
        wanted = request.headers.get("print-after-upload") in ("?1", "1", "true")
        if wanted and not self.machine.start_print(file):
            return self.error(request, 409, "Conflict", "Can't print right now")
        return json_response(self._entry(file, size=True), 201)

    def _download(self, request: Request, path: str) -> Response:
        file = self.storage.find(path)
        if file is None:
            return self.error(request, 404, "Not Found")
        return Response(200, file.content, "application/octet-stream")

    def _thumbnail(self, request: Request, parts: list[str]) -> Response:
        file = self.storage.find("/".join(parts[3:]))
        if file is None or not file.thumbnail:
            return self.error(request, 404, "Not Found")
        return Response(200, png(16 if parts[1] == "s" else 64), "image/png", {"ETag": '"t1"'})
