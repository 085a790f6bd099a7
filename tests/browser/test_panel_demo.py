# The fleet page on a real Moonraker with emulated printers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What a newcomer sees after ``install.sh demo``, on every width and in both colour schemes."""

from __future__ import annotations

import importlib.util
import pathlib
import shutil
import tempfile

import pytest

from tests.demo.stage import Options, Stage

from .chromium import Chromium, find_chromium
from .site import Site

SCREENSHOTS = pathlib.Path(__file__).parent / "screenshots"  # kept for looking at, not in git
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
CARDS = "document.querySelectorAll('.card').length === 3"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.moonraker,
    pytest.mark.skipif(find_chromium() is None, reason="no chromium on this machine"),
    pytest.mark.skipif(
        importlib.util.find_spec("moonraker") is None, reason="this environment has no Moonraker"
    ),
]


@pytest.fixture
async def stage():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mf-page-", dir="/tmp"))
    stage = Stage(folder, Options(speed=4))
    try:
        await stage.start()
        yield stage
    finally:
        await stage.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def test_the_page_of_the_demo_is_live_and_obeyed(stage):
    async with Chromium() as browser:
        page = await browser.open(stage.page)
        await page.until(CARDS)
        await page.until("document.querySelector('.eta-main')?.innerText.includes('ready in')")
        card = "document.querySelector('[aria-labelledby=\"printer-x1c\"]')"
        pause = f"{card}.querySelector('button.pause')"
        # a Bambu printer refuses to pause while it still prepares
        printing = f"parseInt({card}.querySelector('.job-percent').innerText) >= 1"
        await page.until(f"{printing} && !{pause}.closest('[hidden]')", timeout=90)
        await page.eval(f"{pause}.click()")
        await page.until(
            f"{card}.innerText.includes('Paused: the printer confirms it.')", timeout=60
        )
        await page.until(f"{card}.querySelector('.badge').innerText === 'Paused'")
        for width in (360, 1400, 3840):
            for scheme in ("light", "dark"):
                await page.look(width, 900, scheme)
                await page.until(CARDS)
                assert await page.eval("document.documentElement.scrollWidth") <= width
                await page.screenshot(SCREENSHOTS / f"demo-{width}-{scheme}.png")
        assert page.errors == []
        if NGINX is not None:
            # nginx as the installations of Mainsail and Fluidd have it, in an iframe of theirs
            async with Site(stage.folder / "nginx", stage.port) as site:
                (site.folder / "frame.html").write_text(
                    '<!doctype html><iframe width="800" height="600" src="/server/moonfleet/ui">'
                )
                outer = await browser.open(f"{site.url}/frame.html")
                inside = "document.querySelector('iframe').contentDocument"
                await outer.until(f"{inside}.querySelectorAll('.card').length === 3")
                await outer.until(f"{inside}.getElementById('link').innerText === 'Live'")
                assert [text for text in outer.errors if "favicon" not in text] == []
        await page.until("document.getElementById('events').innerText.includes('paused')")
        size = "performance.getEntries().reduce((sum, e) => sum + (e.transferSize ?? 0), 0)"
        assert await page.eval(size) < 250_000
