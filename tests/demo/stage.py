# Puts the demo on stage: emulated printers, klippy host, Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Starts each part in turn, says so, and stops them all in the opposite order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import re
import sys
from dataclasses import dataclass, field
from typing import Any, Optional

import aiohttp

from . import home, interfaces
from .processes import DemoError, Process

PRINT_SECONDS = 480  # of the emulated prints at speed 1


@dataclass
class Options:
    speed: float
    port: Optional[int] = None
    klipper: Optional[pathlib.Path] = None


@dataclass
class Stage:
    folder: pathlib.Path
    options: Options
    port: int = 0
    processes: list[Process] = field(default_factory=list)
    sections: list[home.Section] = field(default_factory=list)
    interfaces: list[interfaces.Interface] = field(default_factory=list)

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}/server/moonfleet/ui"

    def kinds(self) -> dict[str, str]:
        """Printer -> type, the local one first."""
        return {"klipper": "klipper", **{s.name: s.type for s in self.sections}}

    async def start(self) -> None:
        (self.folder / "logs").mkdir(exist_ok=True)
        self.port = home.free_port(self.options.port)
        home.link_component()
        klippy = self.folder / "klippy.sock"
        gcodes = self.folder / "gcodes"
        await self._klippy(klippy, gcodes)
        self.sections = [await self._bambu(), await self._prusalink()]
        home.write(self.folder, self.port, klippy, self.sections)
        for interface in interfaces.named(self.port, list(self.kinds())):
            self.interfaces.append(interface)
            await interface.start()
        await self._moonraker()

    async def stop(self) -> None:
        while self.interfaces:
            await self.interfaces.pop().stop()
        while self.processes:
            await self.processes.pop().stop()

    async def first_death(self) -> str:
        """Waits for a part that ends by itself; a sentence about it."""
        tasks = [asyncio.create_task(process.ended()) for process in self.processes]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in tasks:
                task.cancel()

    async def _run(self, name: str, *command: object, marker: str = r"ready\b") -> Process:
        process = Process(name, self.folder / "logs", marker)
        self.processes.append(process)
        await process.start(*command, cwd=home.ROOT)
        return process

    async def _klippy(self, socket: pathlib.Path, gcodes: pathlib.Path) -> None:
        module = "tests.emulators.klippy_host"
        python = sys.executable
        extra: list[object] = []
        if self.options.klipper is not None:
            module += ".real"
            python = os.environ.get("MOONFLEET_KLIPPY_PYTHON", python)
            extra = ["--klipper", self.options.klipper]
        process = await self._run(
            "klippy", python, "-m", module, "--socket", socket, "--gcodes", gcodes,
            "--data", self.folder, "--speed", self.options.speed, "--demo", *extra,
        )  # fmt: skip
        await process.ready(timeout=90)

    async def _emulator(self, name: str, module: str, *arguments: object, marker: str) -> re.Match:
        """Start one; what its first words say, by the groups of ``marker``."""
        process = await self._run(
            name, sys.executable, "-m", module, "--speed", self.options.speed, *arguments,
            marker=marker,
        )  # fmt: skip
        found = re.match(marker, await process.ready())
        assert found is not None
        return found

    async def _bambu(self) -> home.Section:
        code = "12345678"
        authority = self.folder / "bambu-ca.pem"
        said = await self._emulator(
            "x1c", "tests.emulators.bambu", "--port", 0, "--model", "X1C", "--auto",
            "--access-code", code, "--job-seconds", PRINT_SECONDS, "--ca", authority,
            marker=r".* (?P<serial>\w+) on \S+:(?P<port>\d+)$",
        )  # fmt: skip
        return home.Section(
            "x1c", "bambu", "X1 Carbon", int(said["port"]),
            {"serial": said["serial"], "tls": "verify", "ca_file": str(authority)},
            {"access_code": code},
        )  # fmt: skip

    async def _prusalink(self) -> home.Section:
        password = "demo-password"
        said = await self._emulator(
            "mk4", "tests.emulators.prusalink", "--port", 0, "--model", "MK4S",
            "--password", password, "--print-seconds", PRINT_SECONDS,
            marker=r"ready .*\bport=(?P<port>\d+)",
        )  # fmt: skip
        return home.Section(
            "mk4", "prusalink", "Prusa MK4S", int(said["port"]), {}, {"password": password}
        )

    async def _moonraker(self) -> None:
        process = await self._run(
            "moonraker", sys.executable, "-m", "moonraker", "-d", self.folder, "-n",
        )  # fmt: skip
        died = asyncio.create_task(process.ended())
        try:
            await asyncio.wait(
                {asyncio.create_task(self._answers()), died},
                timeout=60,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if died.done():
                raise DemoError(died.result())
            await self._loaded()
        finally:
            died.cancel()

    async def _info(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/server/info"
        async with aiohttp.ClientSession() as session, session.get(url) as reply:
            return (await reply.json())["result"]

    async def _answers(self) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, KeyError, ValueError):
                await self._info()
                return
            await asyncio.sleep(0.1)

    async def _loaded(self) -> None:
        try:
            info = await self._info()
        except (aiohttp.ClientError, KeyError, ValueError) as error:
            raise DemoError(f"Moonraker does not answer on port {self.port}: {error}") from error
        if "moonfleet" in info["failed_components"] or "moonfleet" not in info["components"]:
            log = (self.folder / "logs" / "moonraker.log").read_text(errors="replace")
            # the log's traceback says why; the warnings only say that it failed
            why = re.search(r"component: \(moonfleet\)\n(?:Traceback.*\n(?:\s.*\n)+)?(.*)", log)
            reason = why.group(1) if why else "; ".join(info["warnings"])
            raise DemoError(f"Moonraker could not load the component: {reason}")
