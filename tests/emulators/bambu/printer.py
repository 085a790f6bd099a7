# The printer as a whole: machine, server, answers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``EmulatedBambu``: see the package's docstring."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import time
from typing import Any, Optional

from . import reports
from .answers import Answers
from .autopilot import Autopilot
from .camera_server import CameraServer
from .certs import Chain
from .faults import Faults
from .ftps_server import FtpsServer
from .machine import Job, Machine
from .models import model as model_named
from .mqtt_server import MqttServer, encode_length

_TICK = 0.05
_GARBAGE = (
    b"{not json",
    b"\xff\xfe\x00",
    b'{"print": {"command": "push_status", "msg": 1, "nozzle_temper": "hot", "bed_temper": [1], '
    b'"ams": 7, "device": [], "hms": {"a": 1}, "gcode_state": 5, "mc_percent": 1e400}}',
    b'{"print": ' + b"[" * 500 + b"]" * 500 + b"}",
    b"[]",
    b'{"print": null, "info": 3}',
)


class EmulatedBambu:
    def __init__(
        self,
        model: str = "P1S",
        serial: Optional[str] = None,
        access_code: str = "12345678",
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1.0,
        *,
        ftps_port: int = 0,
        camera_port: int = 0,
        auto: bool = False,
        job_seconds: float = 600.0,
        push_interval: float = 1.0,
        faults: Optional[Faults] = None,
        generation: int = 0,
    ) -> None:
        kind = model_named(model)
        self.model = kind
        self.serial = serial or kind.serial
        self.host = host
        self.faults = faults or Faults()
        self.job_seconds = job_seconds
        self.push_interval = push_interval
        self.machine = Machine(kind, speed, kind.cancel_echo)
        self.empty_slots: set[tuple[int, int]] = set()
        self.set_slots: dict[tuple[int, int], tuple[str, str]] = {}  # told by ams_filament_setting
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.answers = Answers(self)
        self.chain = Chain(
            "00M99Z999999999" if self.faults.foreign else self.serial,
            self.faults.expired,
            generation,
        )
        self.server = MqttServer(
            self.serial, access_code, self.faults, self._request, max_clients=4
        )
        self.server.on_subscribed = self._subscribed
        self.server.port = port
        self.ftps = FtpsServer(access_code)
        self.ftps.port = ftps_port
        self.camera = CameraServer(access_code) if kind.jpeg_camera else None
        self._camera_port = camera_port
        self._last: dict[str, Any] = {}
        self._sequence = 0
        self._garbage = 0
        self._task: Optional[asyncio.Task[None]] = None
        self._autopilot = Autopilot(self.machine, self._next_job) if auto else None

    # -- life ------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def access_code(self) -> str:
        return self.server.access_code

    @access_code.setter
    def access_code(self, value: str) -> None:
        self.server.access_code = self.ftps.access_code = value
        if self.camera is not None:
            self.camera.access_code = value

    async def start(self) -> EmulatedBambu:
        await self._listen()
        self._task = asyncio.ensure_future(self._live())
        return self

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._silence()

    async def __aenter__(self) -> EmulatedBambu:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _listen(self) -> None:
        context = self.chain.server_context()
        await self.server.start(self.host, self.server.port, context)
        await self.ftps.start(self.host, self.ftps.port, context)
        if self.camera is not None:
            await self.camera.start(self.host, self.camera.port or self._camera_port, context)

    async def _silence(self) -> None:
        await self.server.stop()
        await self.ftps.stop()
        if self.camera is not None:
            await self.camera.stop()

    async def reboot(self, seconds: float = 2.0) -> None:
        """Power off and on: the job is lost, connections break, the port is closed meanwhile."""
        await self._silence()
        self.machine.reboot()
        await asyncio.sleep(seconds)
        await self._listen()

    async def offline(self) -> None:
        """The network is gone; the print goes on."""
        await self._silence()

    async def online(self) -> None:
        await self._listen()

    def drop_clients(self) -> None:
        for client in list(self.server.clients):
            client.close()

    async def new_certificate(self, generation: int = 1) -> None:
        """As after a repair: another key chain, same serial."""
        await self._silence()
        self.chain = Chain(self.serial, self.faults.expired, generation)
        await self._listen()

    def write_ca(self, path: pathlib.Path) -> pathlib.Path:
        path.write_bytes(self.chain.authority_pem())
        return path

    # -- the printer's own screen ----------------------------------------------------------

    def start_job(self, name: str = "Benchy", **fields: Any) -> bool:
        """Press print on the screen. False when the printer is busy."""
        plain = name[:-4] if name.endswith(".3mf") else name
        values: dict[str, Any] = {"seconds": self.job_seconds, "layers": 120, **fields}
        return self.machine.start(Job(plain, f"{plain}.gcode", **values))

    def _next_job(self, name: str, seconds: float, layers: int) -> bool:
        return self.start_job(name, seconds=min(seconds, self.job_seconds), layers=layers)

    # -- time ------------------------------------------------------------------------------

    async def _live(self) -> None:
        pushed = before = time.monotonic()
        while True:
            await asyncio.sleep(min(_TICK, self.push_interval))
            now = time.monotonic()
            self.machine.advance(now - before)
            if self._autopilot is not None:
                self._autopilot.advance(now - before)
            before = now
            if now - pushed >= self.push_interval:
                pushed = now
                self._push()

    # -- reports ---------------------------------------------------------------------------

    def _push(self) -> None:
        if self.faults.silent or self.faults.stopped:
            return
        if self.faults.garbage:
            self._garbage += 1
            self.server.publish(_GARBAGE[self._garbage % len(_GARBAGE)])
        if self.model.whole_reports and not self.faults.deltas_only:
            self.push_full()
            return
        now = self._state()
        changed = reports.delta(self._last, now, legacy=not self.model.device)
        self._last = now
        if self.model.device and changed:
            # Newer models push their whole tree of temperatures.
            changed["device"] = now["device"]
        changed["wifi_signal"] = f"-{50 + self._sequence % 4}dBm"
        self._publish(changed, msg=1)

    def push_full(self) -> None:
        if self.faults.silent or self.faults.deltas_only:
            return
        self._last = self._state()
        self._publish(dict(self._last), msg=0)

    def _state(self) -> dict[str, Any]:
        state = reports.full(self.machine, self.faults.developer_mode, self.empty_slots)
        for unit in state.get("ams", {}).get("ams", ()):
            for tray in unit["tray"]:
                told = self.set_slots.get((int(unit["id"]), int(tray["id"])))
                if told is not None and "tray_type" in tray:
                    tray["tray_type"], tray["tray_color"] = told
        return state

    def _publish(self, body: dict[str, Any], msg: int) -> None:
        self._sequence += 1
        body.update(command="push_status", sequence_id=str(self._sequence))
        if not self.model.whole_reports:
            body["msg"] = msg
        payload = json.dumps({"print": body})
        if self.faults.big_pushes and msg == 0:
            payload = json.dumps({"print": body}, indent=8)
            payload += " " * max(0, 32 * 1024 - len(payload))
        self.server.publish(payload.encode())

    def _subscribed(self) -> None:
        if self.faults.raw_garbage:
            self.server.send_raw(bytes(range(255, 0, -1)) * 20)
        if self.faults.oversized:
            self.server.send_raw(b"\x30" + encode_length(200 * 1024 * 1024) + b"\0" * 4096)

    # -- requests --------------------------------------------------------------------------

    async def _request(self, payload: bytes) -> None:
        try:
            document = json.loads(payload)
        except ValueError:
            return
        if self.faults.deaf or not isinstance(document, dict):
            return
        for group, body in document.items():
            if isinstance(body, dict):
                self.requests.append((group, body))
                await self.answers.take(group, body)

    def commands(self) -> list[str]:
        """Names of the `print` and `system` commands received."""
        return [body.get("command", "") for group, body in self.requests if group != "pushing"]

    def reply(self, group: str, body: dict[str, Any]) -> None:
        self.server.publish(json.dumps({group: body}).encode())
