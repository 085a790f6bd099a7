# Twenty printers in four browsers at a time, on Mainsail's page of all printers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every card of every browser is live: it shows a change that happens while it is looked at."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib

import pytest

from tests.moonraker.director import Director, prusa
from tests.moonraker.real import ROOT, Moonraker

from .chromium import Chromium, Page
from .site import Site, mainsail_config
from .test_interfaces import TRY_AGAIN, pytestmark  # noqa: F401

PRINTERS, BROWSERS = 20, 4
WAIT = 240.0  # eighty sockets and four browsers on whatever machine there is


def cards(words: list[str]) -> str:
    """How many of these texts stand on a card of their own."""
    return (
        "(() => { const cards = [...document.querySelectorAll('.farmprinter-panel')]"
        ".map((x) => x.innerText); return "
        f"{json.dumps(words)}.filter((one) => cards.some((card) => card.includes(one))).length; "
        "})()"
    )


async def test_every_card_is_live(tmp_path: pathlib.Path) -> None:
    build = os.environ.get("MAINSAIL_DIST")
    if not build:
        pytest.skip("MAINSAIL_DIST names no build")
    names = [f"p{number:02}" for number in range(PRINTERS)]
    async with Director(**{name: prusa() for name in names}) as director:
        moonraker = Moonraker(
            tmp_path / "data", director.config(), environ={"PYTHONPATH": str(ROOT)}
        )
        await asyncio.to_thread(moonraker.start)
        try:
            async with (
                Site(tmp_path / "site", moonraker.port, pathlib.Path(build)) as site,
                contextlib.AsyncExitStack() as stack,
            ):
                site.configure(mainsail_config(site.port, *names))
                pages: list[Page] = []
                for number in range(BROWSERS):
                    browser = await stack.enter_async_context(Chromium())
                    url = f"{site.url}/allPrinters?printer={names[number]}"
                    pages.append(await browser.open(url, 1400, 1600))
                    there = cards([f"The {name}" for name in names])
                    await pages[-1].until(f"({TRY_AGAIN}, {there} === {PRINTERS})", WAIT)
                # one temperature for each printer, which no other has
                for number, name in enumerate(names):
                    heat = {"temperature": 100.0 + number, "target": 90.0 + number}
                    director.say(name, heaters={"extruder": heat})
                told = [f"{100 + number}° / {90 + number}°" for number in range(PRINTERS)]
                for page in pages:
                    await page.until(f"{cards(told)} === {PRINTERS}", WAIT)
                    assert page.errors == []
                folder = os.environ.get("MOONFLEET_SHOTS")
                if folder:
                    path = pathlib.Path(folder) / "mainsail-twenty.png"
                    await pages[-1].screenshot(path, full=False)
        finally:
            await asyncio.to_thread(moonraker.stop)
