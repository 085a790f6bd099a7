# Makes the pictures of the documents from a running demo
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.browser.screenshots``: starts the demo, waits for a telling moment, looks.

Writes docs/img/fleet-light.png, fleet-dark.png and fleet-phone.png.
"""

from __future__ import annotations

import asyncio
import pathlib
import re
import signal
import sys
from typing import Optional

from .chromium import Chromium, Page

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "img"
SPEED = "3"
# one heater counts down, and one printer has begun to print
MOMENT = """document.querySelectorAll('.card').length === 3
  && document.querySelector('[data-tone="heat"] .eta-main')
  && [...document.querySelectorAll('.job-percent')].some((p) => parseInt(p.innerText) >= 5)
  && document.querySelector('#jobs .tag')"""
PICTURES = (
    ("fleet-light.png", 1400, "light", 1.0),
    ("fleet-dark.png", 1400, "dark", 1.0),
    ("fleet-phone.png", 400, "dark", 2.0),
)


async def address(demo: asyncio.subprocess.Process) -> str:
    assert demo.stdout is not None
    async for line in demo.stdout:
        found: Optional[re.Match] = re.search(r"page\s+(http://\S+)", line.decode())
        if found is not None:
            return found.group(1)
    raise SystemExit("the demo did not start")


async def picture(page: Page, name: str, width: int, scheme: str, scale: float) -> None:
    await page.look(width, 900, scheme, scale)
    await asyncio.sleep(1.0)  # the bars glide to their place
    height = await page.eval("document.documentElement.scrollHeight")
    await page.look(width, min(int(height), 1000), scheme, scale)
    await asyncio.sleep(0.3)
    await page.screenshot(IMAGES / name, full=False)
    print(f"docs/img/{name}")


async def main() -> None:
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.demo", "--speed", SPEED,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        url = await address(demo)
        async with Chromium() as browser:
            page = await browser.open(url)
            await page.until(MOMENT, timeout=600)
            for one in PICTURES:
                await picture(page, *one)
            if page.errors:
                raise SystemExit(f"the console shows errors: {page.errors}")
    finally:
        demo.send_signal(signal.SIGINT)
        await demo.wait()


if __name__ == "__main__":
    asyncio.run(main())
