# Events reach Moonraker's own notifiers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A [notifier] section of Moonraker posts JSON to a server of the test."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from tests.emulators.bambu import EmulatedBambu
from tests.moonraker.printers import ACCESS_CODE, SECRETS, bambu

pytestmark = pytest.mark.moonraker
NOTIFIERS = """
[notifier plain]
url: json://127.0.0.1:{port}/plain
events: complete

[notifier worded]
url: json://127.0.0.1:{port}/worded
events: complete
title: {{event_name}}
body: {{event_message}} / {{event_args[1].name}}
"""


class Inbox:
    def __init__(self) -> None:
        self.mails: list[tuple[str, dict[str, Any]]] = []
        self.came = asyncio.Event()

    async def __aenter__(self) -> Inbox:
        app = web.Application()
        app.router.add_post("/{name}", self.take)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def take(self, request: web.Request) -> web.Response:
        self.mails.append((request.match_info["name"], json.loads(await request.text())))
        self.came.set()
        return web.Response()


async def test_a_finished_job_is_told_to_the_named_notifiers(moonraker):
    async with Inbox() as inbox, EmulatedBambu("X1C", access_code=ACCESS_CODE, speed=60) as printer:
        printer.start_job("benchy.3mf")
        config = bambu(printer, notifiers="plain, worded", display_name="Garage")
        config += bambu(printer, "quiet") + NOTIFIERS.format(port=inbox.port)
        server = moonraker(config, secrets=SECRETS)
        assert server.warnings() == []

        async def printing() -> bool:
            info = await server.get("/server/moonfleet/printer", printer="x1c")
            return bool(info["snapshot"]["state"] == "printing")

        await server.when(printing, "it to print")
        async with server.socket() as client:
            await client.result("server.moonfleet.print.cancel", printer="x1c")
        while len(inbox.mails) < 2:
            inbox.came.clear()
            await asyncio.wait_for(inbox.came.wait(), 60)
        mails = {name: (mail["title"], mail["message"]) for name, mail in inbox.mails}
    assert len(inbox.mails) == 2
    assert mails["plain"][1].startswith("Garage: benchy")
    assert mails["plain"][1].endswith("has ended: cancelled")
    assert mails["worded"][0] == "moonfleet_job_finished"
    assert mails["worded"][1].split(" / ")[0] == mails["plain"][1]


async def test_a_notifier_that_is_not_there_is_a_warning(moonraker):
    config = "\n[moonfleet mk4]\ntype: prusalink\nhost: 127.0.0.1\nport: 9\n"
    config += "password: {secrets.x1c.access_code}\nnotifiers: phone\n"
    server = moonraker(config, secrets=SECRETS)
    (warning,) = server.warnings()
    assert warning == (
        "[moonfleet mk4] option 'notifiers': 'phone' is not known;"
        " add a section [notifier phone] or remove the name"
    )
