# Released Mainsail and Fluidd builds, unchanged, opening virtual printers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A real Moonraker behind nginx, the real builds in a real Chromium, scripted printers.

``MAINSAIL_DIST`` and ``FLUIDD_DIST`` name the folders of the builds. What is pressed must arrive at
the printer; what is shown must be the printer's own truth.
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.moonraker.director import Director, bambu, dual, prusa
from tests.moonraker.real import ROOT, Moonraker

from .chromium import Chromium, Page, find_chromium
from .site import Site, fluidd_config, mainsail_config

BUILDS = {"mainsail": "MAINSAIL_DIST", "fluidd": "FLUIDD_DIST"}
PRINTERS = ("x1c", "mk4", "h2d")
WAIT = 60.0
TRY_AGAIN = (
    "[...document.querySelectorAll('button')]"
    ".find((one) => /try again/i.test(one.innerText) && one.closest('.v-dialog--active'))?.click()"
)
pytestmark = [
    pytest.mark.ui_build,
    pytest.mark.browser,
    pytest.mark.moonraker,
    pytest.mark.skipif(find_chromium() is None, reason="no chromium on this machine"),
    pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin"), reason="no nginx"),
]


@dataclass
class Scene:
    interface: str
    site: Site
    browser: Chromium
    director: Director
    moonraker: Moonraker

    async def open(self, name: str, page: str = "", scheme: str = "light") -> Page:
        """One printer's dashboard (or another page of it), loaded."""
        if self.interface == "mainsail":
            config = mainsail_config(self.site.port, *PRINTERS)
            config["defaultMode"] = scheme
            self.site.configure(config)
            opened = await self.browser.open(f"{self.site.url}/{page}?printer={name}", 1400, 1300)
        else:
            self.site.configure(fluidd_config(self.site.url, name))
            opened = await self.browser.open(f"{self.site.url}/#/{page}", 1400, 1300)
        # on a machine that is very busy Mainsail gives up, and offers to try again
        await opened.until(f"({TRY_AGAIN}, {says(f'The {name}')})", WAIT)
        for _ in range(1000):
            # the last that Mainsail asks; what is pressed before is lost when it draws anew
            if self.interface != "mainsail" or any(
                "can_extrude" in text for _, text in opened.sent
            ):
                break
            await asyncio.sleep(0.02)
        return opened


def says(text: str) -> str:
    return f"document.body.innerText.includes({json.dumps(text)})"


@pytest.fixture(params=BUILDS)
async def scene(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> AsyncIterator[Scene]:
    place = os.environ.get(BUILDS[request.param])
    if not place:
        pytest.skip(f"{BUILDS[request.param]} names no build")
    async with Director(x1c=bambu(), mk4=prusa(), h2d=dual()) as director:
        environ = {"PYTHONPATH": str(ROOT)}
        moonraker = Moonraker(tmp_path / "data", director.config(), environ=environ)
        await asyncio.to_thread(moonraker.start)
        try:
            async with (
                Site(tmp_path / "site", moonraker.port, pathlib.Path(place)) as site,
                Chromium() as browser,
            ):
                yield Scene(request.param, site, browser, director, moonraker)
        finally:
            await asyncio.to_thread(moonraker.stop)


async def shot(scene: Scene, page: Page, name: str) -> None:
    """Kept where MOONFLEET_SHOTS names a folder: these pictures are to be looked at."""
    folder = os.environ.get("MOONFLEET_SHOTS")
    if folder:
        await page.screenshot(pathlib.Path(folder) / f"{scene.interface}-{name}.png", full=False)


async def press(page: Page, selector: str) -> None:
    """Press the first element that matches and can be seen."""
    found = (
        f"[...document.querySelectorAll({json.dumps(selector)})]"
        ".find((x) => x.offsetParent !== null && !x.disabled)"
    )
    await page.until(found, WAIT)
    await page.eval(f"{found}.click()")


async def press_text(page: Page, text: str) -> None:
    found = (
        "[...document.querySelectorAll('button, .v-list-item')].find((x) => "
        "x.offsetParent !== null && x.innerText.trim().toUpperCase() === "
        f"{json.dumps(text.upper())})"
    )
    await page.until(found, WAIT)
    await page.eval(f"{found}.click()")


async def enter(page: Page, row: str, value: str) -> None:
    """Type a value into the input of a table's row, as a person does."""
    cell = (
        "[...document.querySelectorAll('tr')].find((x) => "
        f"x.innerText.trim().startsWith({json.dumps(row)}))?.querySelector('input')"
    )
    await page.until(cell, WAIT)
    await page.eval(f"(() => {{ const x = {cell}; x.focus(); x.select(); }})()")
    await page.send("Input.insertText", text=value)
    await page.key("Enter", 13)


@pytest.mark.parametrize("name", PRINTERS)
async def test_the_dashboard_shows_the_printers_truth(scene: Scene, name: str) -> None:
    page = await scene.open(name)
    state = scene.director.state[name]
    for heater in state["heaters"].values():
        await page.until(says(f"{heater['temperature']:.1f}"), WAIT)
    await page.until(says(state["job"]["filename"].removesuffix(".3mf")), WAIT)
    text = await page.text()
    if state["job"]["layers"]:
        assert "101" in text and "240" in text
    for lane in ("A1", "A2", "A3", "A4") if state["filament"] else ():
        assert lane in text
    # the interfaces' own estimate is the printer's remaining time
    left = "0:22:00" if scene.interface == "mainsail" else "22m 0s"
    assert left in text
    await shot(scene, page, name)
    assert page.errors == []


async def test_pause_and_resume_reach_the_printer(scene: Scene) -> None:
    page = await scene.open("x1c")
    mainsail = scene.interface == "mainsail"
    if mainsail:
        await press(page, ".v-toolbar .v-btn.warning--text, button:has(.warning--text)")
    else:
        await press_text(page, "Pause")
    await scene.director.ordered(lambda name, order, _: (name, order) == ("x1c", "pause"))
    await page.until(says("Paused" if mainsail else "PAUSED"), WAIT)
    await shot(scene, page, "paused")
    if mainsail:
        await press(page, ".v-toolbar .v-btn.success--text, button:has(.success--text)")
    else:
        await press_text(page, "Resume")
    await scene.director.ordered(lambda name, order, _: (name, order) == ("x1c", "resume"))
    assert scene.director.state["x1c"]["state"] == "printing"
    assert page.errors == []


async def test_a_temperature_that_is_entered_becomes_the_printers_target(scene: Scene) -> None:
    page = await scene.open("mk4")
    await enter(page, "Extruder", "205")
    await scene.director.ordered(
        lambda name, order, params: (
            (name, order, params) == ("mk4", "temperature", {"heater": "extruder", "target": 205.0})
        )
    )
    assert scene.director.state["mk4"]["heaters"]["extruder"]["target"] == 205.0
    assert page.errors == []


async def test_a_fault_is_a_dialog_that_can_be_answered(scene: Scene) -> None:
    page = await scene.open("x1c")
    await page.until(says("219.6"), WAIT)
    fault = {"code": "0700_2000_0002_0001", "severity": "serious", "url": "https://example.org/x"}
    scene.director.say("x1c", state="paused", faults=[fault])
    await page.until(says("0700_2000_0002_0001"), WAIT)
    await shot(scene, page, "fault")
    dialog = "document.querySelector('.v-dialog--active, .v-dialog__content--active')"
    await page.until(dialog, WAIT)
    button = (
        f"[...{dialog}.querySelectorAll('button')]"
        ".find((x) => x.innerText.trim().toUpperCase() === 'RESUME')"
    )
    await page.until(button, WAIT)
    await page.eval(f"{button}.click()")
    await scene.director.ordered(lambda name, order, _: (name, order) == ("x1c", "resume"))
    scene.director.say("x1c", faults=[])
    await page.until(f"!{dialog}?.innerText?.includes('0700_2000')", WAIT)
    assert page.errors == []


async def test_finished_jobs_are_in_the_history(scene: Scene) -> None:
    page = await scene.open("mk4", "history")
    scene.director.say("mk4", state="complete")
    if scene.interface == "mainsail":
        await page.until(says("cube_0.2mm.gcode"), WAIT)
    else:
        await page.until(says("cube_0.2mm"), WAIT)
    await shot(scene, page, "history")
    assert page.errors == []


async def test_a_printer_that_goes_away_is_shown_with_the_reason(scene: Scene) -> None:
    page = await scene.open("mk4")
    await page.until(says("214.9"), WAIT)
    server = scene.director
    await server.close()
    await page.until(says("the director is away"), WAIT)
    await shot(scene, page, "offline")
    await server.reopen()
    await page.until(f"!{says('the director is away')} && {says('214.9')}", WAIT)
    assert page.errors == []


async def test_every_printer_has_a_live_card(scene: Scene) -> None:
    if scene.interface != "mainsail":
        pytest.skip("Fluidd has no page of all printers")
    page = await scene.open("x1c", "allPrinters")
    for name in PRINTERS:
        await page.until(says(f"The {name}"), WAIT)
    await page.until(says("220° / 220°"), WAIT)  # the cards show whole degrees
    await page.until(says("215° / 215°"), WAIT)
    scene.director.say("mk4", heaters={"extruder": {"temperature": 199.3, "target": 190.0}})
    await page.until(says("199° / 190°"), WAIT)
    await shot(scene, page, "printers")
    assert page.errors == []


async def test_mainsails_own_list_shows_the_fleet_without_clicks(scene: Scene) -> None:
    if scene.interface != "mainsail":
        pytest.skip("Fluidd keeps its list in the browser")
    scene.site.configure({"instancesDB": "moonraker", "defaultLocale": "en"})
    page = await scene.browser.open(scene.site.url, 1400, 900)
    stored = "/server/database/list"

    def opened_once() -> bool:
        return "mainsail" in scene.moonraker.http(stored)["namespaces"]

    await asyncio.to_thread(scene.moonraker.until, opened_once, "Mainsail's first start")
    here = {"hostname": "127.0.0.1", "port": scene.site.port}
    await asyncio.to_thread(scene.moonraker.http, "/server/moonfleet/mainsail", here)
    await page.go(f"{scene.site.url}/allPrinters")
    for name in PRINTERS:
        await page.until(says(f"The {name}"), WAIT)
    await page.until(says("220° / 220°"), WAIT)
    await shot(scene, page, "own-list")
    card = (
        "[...document.querySelectorAll('.farmprinter-panel')]"
        ".find((x) => x.innerText.toUpperCase().includes('THE MK4'))"
    )
    await page.until(card, WAIT)
    hover = f"{card}.querySelector('.v-image').parentElement"
    await page.eval(f"{hover}.dispatchEvent(new MouseEvent('mouseenter'))")
    await page.until(f"{card}.querySelector('.v-btn.primary')", WAIT)
    await page.eval(f"{card}.querySelector('.v-btn.primary').click()")
    await page.until(says("EMERGENCY STOP"), WAIT)  # it has become the printer in view
    await press(page, 'nav a[href="/"], .v-navigation-drawer a[href="/"]')
    await page.until(f"{says('214.9')} && {says('Temperatures')}", WAIT)
    await shot(scene, page, "switched")
    assert "PRINTERS" in await page.text()  # the list is still there to switch back
    # Mainsail's first start on a host asks for a theme that the host does not have
    assert [error for error in page.errors if "/.theme/" not in error] == []


async def test_controls_end_at_the_printer_or_in_a_refusal_that_is_seen(scene: Scene) -> None:
    page = await scene.open("x1c")
    await page.until(says("219.6"), WAIT)
    console = "document.querySelector('.console-input textarea, .gcode-command-field textarea, "
    console += ".console-command textarea, #console-input, textarea')"
    await page.until(console, WAIT)

    async def send(line: str) -> None:
        await page.eval(f"{console}.focus()")
        await page.send("Input.insertText", text=line)
        await page.key("Enter", 13)

    await send("M220 S124")
    await scene.director.ordered(
        lambda name, order, params: (name, order, params) == ("x1c", "speed", {"factor": 1.24})
    )
    await send("G1 X10")
    await page.until(says("'G1' cannot be done"), WAIT)
    await enter(page, "Heater Bed", "45")
    await scene.director.ordered(
        lambda name, order, params: (
            order == "temperature" and params == {"heater": "heater_bed", "target": 45.0}
        )
    )
    await enter(page, "Ams Ht Dryer", "0")
    await scene.director.ordered(
        lambda name, order, params: order == "dry" and params["unit"] == 128
    )
    if scene.interface == "mainsail":
        await press_text(page, "Cooldown")
        await scene.director.ordered(
            lambda name, order, params: params == {"heater": "extruder", "target": 0.0}
        )
        await press_text(page, "Emergency stop")  # Mainsail does not ask, unless told to
    else:
        await press_text(page, "Clear_error")
        await scene.director.ordered(lambda name, order, params: order == "clear_error")
        await press_text(page, "Cancel")
        dialog = "document.querySelector('.v-dialog--active')"
        await page.until(dialog, WAIT)
        await page.eval(f"[...{dialog}.querySelectorAll('button')].pop().click()")
    await scene.director.ordered(lambda name, order, params: order == "cancel")
    assert scene.director.state["x1c"]["state"] == "cancelled"
    await shot(scene, page, "controls")
    # the refusal stands in the browser's console as well
    assert [e for e in page.errors if not e.startswith("Response Error") and e != "Object"] == []
