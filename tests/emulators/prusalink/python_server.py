# The Python server that runs on a Raspberry Pi beside a MK2.5 or MK3
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Shapes, codes and sentences as recorded from PrusaLink 0.8.1."""

from __future__ import annotations

import math
from typing import Any

from .files import StoredFile, png
from .flavour import Flavour
from .http import Request, Response, json_response
from .machine import FIRST_M73

ROOT = "PrusaLink gcodes"
FREE_SPACE = 76863492096
HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"


def page(status: int, title: str) -> Response:
    text = f"<!DOCTYPE html>\n<html>\n <head>\n  <title>{status} - {title}</title>\n </head>\n"
    text += f" <body>\n  <h1>{status} - {title}</h1>\n </body>\n</html>"
    return Response(status, text.encode(), HTML)


class PythonServer(Flavour):
    version = "HTTP/1.0"
    storage_name = "local"

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.machine.id_modulus = 1 << 32

    async def answer(self, request: Request) -> Response:
        path = request.path.rstrip("/")
        parts = path.strip("/").split("/")
        self.machine.advance()
        if parts[:3] == ["api", "v1", "job"] and len(parts) > 3:
            return self.job_command(request, parts[3:])
        if parts[:3] == ["api", "v1", "files"] and len(parts) > 3:
            return await self._files(request, parts[3], "/".join(parts[4:]))
        if parts[:2] == ["api", "files"] and parts[-1] == "raw":
            return self._raw(request, "/".join(parts[3:-1]))
        if parts[:2] == ["api", "thumbnails"]:
            return Response(200, png(64), "image/png")
        if path == "/api/printer/ready":
            return self._ready(request)
        if path == "/api/v1/update/system":
            return Response(501, b"", HTML)
        views = {
            "/api/version": self._version,
            "/api/v1/info": self._info,
            "/api/v1/status": self._status,
            "/api/v1/storage": self._storage,
            "/api/v1/cameras": lambda: {"camera_list": []},
        }
        if request.method == "GET" and path in views:
            return self._json(views[path]())
        if path == "/api/v1/cameras/snap":
            return self._json({"message": "Camera is not available"}, 404)
        if path == "/api/v1/job":
            return Response(204, b"", HTML) if self.job is None else self._json(self._job())
        if path == "/api/v1/transfer":
            if self.incoming is None:
                return Response(204, b"", HTML)
            known = self.transfer()
            return self._json({**known, "url": None, "time_remaining": 3051382772})
        return self.error(request, 404, "Not Found", "Resource you want not found.")

    @staticmethod
    def _json(document: Any, status: int = 200) -> Response:
        response = json_response(document, status)
        response.content_type = JSON
        return response

    def error(self, request: Request, status: int, title: str, message: str = "") -> Response:
        if "application/json" not in request.headers.get("accept", ""):
            return page(status, title)
        return self._json({"title": title, "message": message}, status)

    def may_stop(self) -> bool:
        return self.machine.state in ("PRINTING", "PAUSED")

    # -- views ----------------------------------------------------------------------------------

    def _version(self) -> dict[str, Any]:
        return {
            "api": "2.0.0",
            "server": "0.8.1",
            "original": f"PrusaLink I3{self.model.replace('.', '')}",
            "text": "PrusaLink 0.8.1",
            "firmware": "3.14.1-8237",
            "sdk": "0.8.1",
            "capabilities": {"upload-by-put": True},
            "hostname": "prusalink",
        }

    def _info(self) -> dict[str, Any]:
        return {
            "name": f"Emulated {self.model}",
            "location": "Loopback",
            "farm_mode": False,
            "network_error_chime": False,
            "nozzle_diameter": 0.4,
            "min_extrusion_temp": 170,
            "serial": self.serial,
            "hostname": "connect.example",
            "port": 443,
        }

    def _job_numbers(self) -> tuple[float, Any, Any]:
        """(progress, time left, time printing); None is what the status leaves out."""
        machine, job = self.machine, self.job
        assert job is not None
        if machine.state == "ATTENTION":
            return 0.0, None, None
        if job.elapsed < min(FIRST_M73, job.length / 10):
            left = 0 if machine.last_progress >= 1.0 else None
            return math.floor(machine.last_progress * 20) * 5.0, left, None
        left = math.ceil((job.length - job.elapsed) / 60.0) * 60
        return float(math.floor(job.progress * 100.0)), left, int(job.elapsed)

    def _status(self) -> dict[str, Any]:
        machine = self.machine
        printer: dict[str, Any] = {"state": machine.state}
        if machine.telemetry:
            printer.update(
                temp_nozzle=round(machine.nozzle.temperature, 1),
                temp_bed=round(machine.bed.temperature, 1),
                axis_z=round(machine.z, 2),
            )
        printer.update(flow=100, speed=100)
        if machine.telemetry:
            printer.update(fan_hotend=4200, fan_print=0)
        printer["status_connect"] = {"ok": True, "message": "Connect isn't configured"}
        printer["status_printer"] = {
            "ok": machine.message is None,
            "message": machine.message or "OK",
        }
        if machine.telemetry:
            printer.update(target_nozzle=machine.nozzle.target, target_bed=machine.bed.target)
            if machine.state not in ("PRINTING", "BUSY"):
                printer.update(axis_x=0.0, axis_y=0.0)
        local = {"path": "/local", "read_only": False, "free_space": self._free(), "name": ROOT}
        said: dict[str, Any] = {
            "storage": [local, {"path": "/sdcard", "read_only": True}],
            "printer": printer,
        }
        if self.job is not None and machine.state != "BUSY":
            progress, left, spent = self._job_numbers()
            job: dict[str, Any] = {"id": self.job.id, "progress": progress}
            if left is not None:
                job["time_remaining"] = left
            if spent is not None:
                job["time_printing"] = spent
            said["job"] = job
        if self.incoming is not None:
            known = self.transfer()
            said["transfer"] = {
                "id": 515523058,
                "time_transferring": known["time_transferring"],
                "progress": known["progress"],
                "data_transferred": known["transferred"],
            }
        return said

    def _job(self) -> dict[str, Any]:
        assert self.job is not None
        progress, left, spent = self._job_numbers()
        entry = self._entry(self.job.file)
        place = f"/{ROOT}/{self.job.file.path}"
        return {
            "file": {
                "name": entry["name"],
                "display_name": entry["display_name"],
                "path": place,
                "display_path": place,
                "size": entry["size"],
                "m_timestamp": entry["m_timestamp"],
                "refs": entry["refs"],
                "meta": self._meta(),
            },
            "id": self.job.id,
            "state": self.machine.state,
            "progress": progress,
            "time_remaining": left,
            "time_printing": spent or 0,
            "inaccurate_estimates": None if left is None else spent is None,
        }

    def _meta(self) -> dict[str, Any]:
        length = self.machine.print_seconds
        return {
            "filament_type": "PLA",
            "filament used [g]": 3.68,
            "layer_height": 0.2,
            "temperature": 215,
            "bed_temperature": 60,
            "estimated_print_time": int(length),
        }

    def _storage(self) -> dict[str, Any]:
        local = {
            "type": "LOCAL",
            "path": "/local",
            "available": True,
            "free_space": self._free(),
            "total_space": 270553174016,
            "read_only": False,
            "name": ROOT,
            "print_files": len(self.storage.files),
            "system_files": 0,
        }
        return {"storage_list": [local, {"type": "SDCARD", "path": "/sdcard", "available": False}]}

    def _free(self) -> int:
        return FREE_SPACE if self.faults.free_space is None else self.faults.free_space

    # -- files and the rest -----------------------------------------------------------------------

    def _entry(self, file: StoredFile) -> dict[str, Any]:
        image = f"/api/thumbnails/{ROOT}/{file.path}.orig.png" if file.thumbnail else None
        return {
            "type": "PRINT_FILE",
            "name": file.name,
            "read_only": False,
            "m_timestamp": file.modified,
            "size": file.size,
            "display_name": file.name,
            "refs": {
                "download": f"/api/files/local/{ROOT}/{file.path}/raw",
                "icon": None,
                "thumbnail": image,
            },
        }

    def _folder(self, path: str, children: Any = None) -> dict[str, Any]:
        name = path.rsplit("/", 1)[-1] or ROOT
        said: dict[str, Any] = {
            "type": "FOLDER",
            "name": name,
            "read_only": False,
            "m_timestamp": 1700000000,
            "size": 0,
            "display_name": name,
        }
        if children is not None:
            said["children"] = children
        return said

    async def _files(self, request: Request, storage: str, path: str) -> Response:
        if storage == "sdcard" and request.method == "PUT":
            text = "SD Card storage is read only."
            return self.error(request, 409, "SD Card Read Only", text)
        if storage == "sdcard":
            return self.error(request, 404, "File Not Found", "File you want was not found.")
        if storage != "local":
            text = "Location not found, use local."
            return self.error(request, 404, "Location Not Found", text)
        file = self.storage.find(path)
        if request.method in ("GET", "HEAD"):
            response = self._show(request, path, file)
            response.omit_body = request.method == "HEAD"
            return response
        if request.method == "POST":
            return self.start_file(request, file)
        if request.method == "DELETE":
            return self.delete_file(request, path)
        return await self._put(request, path, file)

    def _show(self, request: Request, path: str, file: StoredFile | None) -> Response:
        extra = {"Read-Only": "False", "Currently-Printed": "False"}
        if file is not None:
            response = self._json({**self._entry(file), "meta": self._meta()})
        elif path.strip("/") in self.storage.folders:
            files, folders = self.storage.children(path.strip("/"))
            children = [self._entry(child) for child in files]
            children += [self._folder(name) for name in folders]
            response = self._json(self._folder(path.strip("/"), children))
        else:
            return self.error(request, 404, "File Not Found", "File you want was not found.")
        response.headers.update(extra)
        return response

    async def _put(self, request: Request, path: str, known: StoredFile | None) -> Response:
        if request.headers.get("create-folder") == "?1" and request.left == 0:
            self.storage.folders.add(path.strip("/"))
            return Response(201, b"", HTML)
        if self.incoming is not None:
            return page(500, "Internal Server Error")
        if request.left == 0:
            text = "Missing Content-Length header or no content in request."
            return self.error(request, 411, "Length Required", text)
        if known is not None and request.headers.get("overwrite") != "?1":
            return self.error(request, 409, "File Already Exists", "File already exists.")
        kind = request.headers.get("content-type", "")
        if kind == "application/octet-stream" and known is None:
            return page(500, "Internal Server Error")
        if kind != "text/x.gcode":
            text = "Only G-Code for FDM printer can be uploaded."
            return self.error(request, 415, "Unsupported Media Type", text)
        if self.is_full(request):
            text = "Not enough space in storage."
            return self.error(request, 413, "Request Entity Too Large", text)
        file = await self.receive(request, path)
        wanted = request.headers.get("print-after-upload") == "?1"
        if wanted and not self.machine.start_print(file):
            text = "Printer is not in state to print."
            return self.error(request, 409, "Not in state to print", text)
        return Response(201, b"", HTML)

    def _raw(self, request: Request, place: str) -> Response:
        path = place[len(ROOT) + 1 :] if place.startswith(ROOT + "/") else place
        file = self.storage.find(path)
        if file is None:
            return self.error(request, 404, "File Not Found", "File you want was not found.")
        return Response(200, file.content, "text/x.gcode")

    def _ready(self, request: Request) -> Response:
        if request.method == "DELETE" and self.faults.ready_500:
            return page(500, "Internal Server Error")
        if self.machine.set_ready(request.method == "POST"):
            return Response(200, b"", HTML)
        return self.error(request, 409, "Not in state to be ready")
