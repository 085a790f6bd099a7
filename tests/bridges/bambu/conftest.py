# Emulated printers and bridges that are stopped whatever happens
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``world`` starts printers and bridges and stops them at the end of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from moonfleet.bridges.bambu.bridge import BambuBridge
from moonfleet.bridges.bambu.timing import Timing

from tests.emulators.bambu import EmulatedBambu

from .helpers import QUICK, RecordingHost, make_bridge


class World:
    def __init__(self) -> None:
        self._printers: list[EmulatedBambu] = []
        self._bridges: list[BambuBridge] = []

    async def printer(self, model: str = "P1S", **options: Any) -> EmulatedBambu:
        options.setdefault("push_interval", 0.1)
        printer = EmulatedBambu(model, **options)
        self._printers.append(printer)
        return await printer.start()

    async def bridge(
        self, printer: Any, timing: Timing = QUICK, **changes: Any
    ) -> tuple[BambuBridge, RecordingHost]:
        host = changes.pop("bridge_host", None) or RecordingHost()
        bridge = make_bridge(printer, host, timing, **changes)
        self._bridges.append(bridge)
        await bridge.start()
        return bridge, host

    async def stop(self) -> None:
        for bridge in self._bridges:
            await bridge.stop()
        for printer in self._printers:
            await printer.stop()


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    created = World()
    yield created
    await created.stop()
