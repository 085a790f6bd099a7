# The fleet page puts the printers into Mainsail's and Fluidd's lists
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One button each, from the browser's own host name; reversible; what a person entered stays."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from .chromium import Page
from .test_interfaces import PRINTERS, WAIT, Scene, pytestmark, says, scene, shot  # noqa: F401

HAND_MADE = {
    "apiUrl": "http://elsewhere.example",
    "socketUrl": "ws://elsewhere.example/websocket",
    "active": False,
    "name": "Mine",
}


async def push(page: Page, which: str, outcome: str) -> None:
    button = f"document.querySelector('[data-list={which}]')"
    await page.until(f"{button}?.offsetParent", WAIT)
    await page.eval(f"{button}.click()")
    await page.until(says(outcome), WAIT)


async def fleet_page(scene: Scene) -> Page:  # noqa: F811
    page = await scene.browser.open(f"{scene.site.url}/server/moonfleet/ui", 1400, 1300)
    await page.until("document.querySelector('#lists:not([hidden])')", WAIT)
    await page.eval("document.querySelector('#lists').open = true")
    return page


async def test_the_printers_are_listed_and_taken_off_again(scene: Scene) -> None:  # noqa: F811
    if scene.interface == "mainsail":
        await _mainsail(scene)
    else:
        await _fluidd(scene)


async def _mainsail(scene: Scene) -> None:  # noqa: F811
    scene.site.configure({"instancesDB": "moonraker", "defaultLocale": "en"})
    page = await fleet_page(scene)
    await push(page, "mainsail-add", "Open Mainsail once")  # it would lose its first-run defaults
    mainsail = await scene.browser.open(scene.site.url, 1400, 900)
    there = "/server/database/list"
    await asyncio.to_thread(
        scene.moonraker.until,
        lambda: "mainsail" in scene.moonraker.http(there)["namespaces"],
        "Mainsail's first start",
    )
    mine = {"hostname": "elsewhere.example", "port": 80, "path": "/", "settings": {}}
    place = {"namespace": "mainsail", "key": "remoteprinters.printers.mine", "value": mine}
    await asyncio.to_thread(scene.moonraker.http, "/server/database/item", place)
    await push(page, "mainsail-add", f"lists {len(PRINTERS)} printers")
    listed = await _stored(scene)
    assert listed.pop("mine") == mine
    assert {entry["hostname"] for entry in listed.values()} == {"127.0.0.1"}
    assert {entry["port"] for entry in listed.values()} == {scene.site.port}
    await mainsail.go(f"{scene.site.url}/allPrinters")
    for name in PRINTERS:
        await mainsail.until(says(f"The {name}"), WAIT)
    await push(page, "mainsail-remove", "no longer lists")
    assert await _stored(scene) == {"mine": mine}
    assert page.errors == []


async def _stored(scene: Scene) -> dict[str, Any]:  # noqa: F811
    found = await scene.moonraker.get(
        "/server/database/item", namespace="mainsail", key="remoteprinters.printers"
    )
    return dict(found["value"])


async def _fluidd(scene: Scene) -> None:  # noqa: F811
    scene.site.configure({"endpoints": [], "blacklist": []})
    page = await fleet_page(scene)
    await push(page, "fluidd-add", "Open Fluidd once")  # its own first start comes first
    fluidd = await scene.browser.open(f"{scene.site.url}/", 1400, 900)
    await fluidd.until("localStorage.appInstances", WAIT)
    theirs = json.loads(await page.eval("localStorage.appInstances"))
    before = json.dumps([*theirs, HAND_MADE])
    await page.eval(f"localStorage.setItem('appInstances', {json.dumps(before)})")
    await push(page, "fluidd-add", f"lists {len(PRINTERS)} printers")
    listed = json.loads(await page.eval("localStorage.appInstances"))
    assert listed[: len(theirs) + 1] == json.loads(before)
    own = {entry["name"]: entry["apiUrl"] for entry in listed[len(theirs) + 1 :]}
    assert own == {
        f"The {name}": f"{scene.site.url}/websocket/moonfleet/{name}" for name in PRINTERS
    }
    await push(page, "fluidd-add", f"lists {len(PRINTERS)} printers")  # twice is once
    assert json.loads(await page.eval("localStorage.appInstances")) == listed
    await fluidd.go(f"{scene.site.url}/")
    await fluidd.until(says("fluidd"), WAIT)
    # the drawer at the right has the list; one is opened from it
    entry = (
        "[...document.querySelectorAll('.v-list-item')]"
        ".find((x) => x.textContent.includes('The mk4'))"
    )
    await fluidd.until(entry, WAIT)
    await fluidd.eval(f"{entry}.click()")
    await fluidd.until(says("214.9"), WAIT)
    await shot(scene, fluidd, "from-list")
    # at its first start Fluidd itself tries the usual port
    assert [error for error in fluidd.errors if ":7125/" not in error] == []
    await push(page, "fluidd-remove", "still open in Fluidd")  # the one in use stays
    left = json.loads(await page.eval("localStorage.appInstances"))
    assert [one["name"] for one in left if "moonfleet" in one["apiUrl"]] == ["The mk4"]
    assert HAND_MADE["apiUrl"] in [one["apiUrl"] for one in left]
    assert page.errors == []
