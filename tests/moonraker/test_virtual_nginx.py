# Virtual printers behind Debian's nginx with the usual site
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Websocket and HTTP on the interface's own port, as an installation has it."""

from __future__ import annotations

import asyncio
import pathlib
import shutil

import pytest
from websockets.exceptions import InvalidStatus

from tests.browser.site import Site

from .test_virtual_printers import X1C, everything, house

pytestmark = [
    pytest.mark.moonraker,
    pytest.mark.peer,
    pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin"), reason="no nginx"),
]


async def test_websocket_and_http_on_one_port(tmp_path: pathlib.Path) -> None:
    async with (
        house(tmp_path / "data") as (moonraker, director),
        Site(tmp_path / "site", moonraker.port) as site,
    ):
        moonraker.port = site.port  # its clients now come through nginx
        async with moonraker.socket(f"{X1C}/websocket") as client:
            status = await everything(client)
            assert status["extruder"]["target"] == 220.0
            director.say("x1c", speed_factor=1.24)
            await client.notified(
                "notify_status_update",
                lambda news: news.get("gcode_move", {}).get("speed_factor") == 1.24,
            )
            assert await client.result("printer.print.pause") == "ok"
        info = await asyncio.to_thread(moonraker.http, f"{X1C}/printer/info")
        assert info["hostname"] == "The x1c"
        query = await asyncio.to_thread(
            moonraker.http, f"{X1C}/printer/objects/query?heater_bed=target"
        )
        assert query["status"] == {"heater_bed": {"target": 55.0}}
        refused = await asyncio.to_thread(moonraker.fails, f"{X1C}/machine/reboot", {})
        assert refused[0] == 403
        # why the path begins with /websocket: nowhere else does the usual site pass an upgrade
        with pytest.raises(InvalidStatus):
            async with moonraker.socket("/server/moonfleet/x1c/websocket"):
                pass
    assert director.orders == [("x1c", "pause", {})]
