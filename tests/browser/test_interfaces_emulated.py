# Both interfaces on the emulated Bambu and Prusa, through the real bridges
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Printer bytes, bridge, fleet, virtual Moonraker, nginx, released interface: the whole road."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import shutil
from collections.abc import AsyncIterator

import pytest

from tests.emulators.bambu import EmulatedBambu
from tests.emulators.prusalink.server import EmulatedPrusaLink
from tests.moonraker.real import Moonraker

from .chromium import Chromium, Page, find_chromium
from .site import Site, fluidd_config, mainsail_config
from .test_interfaces import BUILDS, WAIT, press_text, says

CONFIG = """
[moonfleet {name}]
type: bambu
display_name: Emulated {model}
host: 127.0.0.1
port: {port}
serial: {serial}
access_code: {{secrets.printers.code}}
tls: verify
ca_file: {ca}
control: full
"""
PRUSAS: dict[str, dict[str, str]] = {
    "mk4": {"model": "MK4S"},
    "xl": {"model": "XL"},
    "mk3": {"model": "MK3S", "flavour": "python"},
}
PRUSA = """
[moonfleet {name}]
type: prusalink
display_name: Emulated {model}
host: 127.0.0.1
port: {port}
password: {{secrets.printers.code}}
"""
CODE = "12345678"
pytestmark = [
    pytest.mark.ui_build,
    pytest.mark.browser,
    pytest.mark.moonraker,
    pytest.mark.skipif(find_chromium() is None, reason="no chromium on this machine"),
    pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin"), reason="no nginx"),
]


@contextlib.asynccontextmanager
async def emulated(
    folder: pathlib.Path,
) -> AsyncIterator[tuple[Moonraker, EmulatedBambu, dict[str, EmulatedPrusaLink]]]:
    """A Moonraker with an emulated X1C, H2D, MK4S, XL and MK3S, all printing."""
    async with contextlib.AsyncExitStack() as stack:
        config = ""
        bambus = []
        for name, model in (("x1c", "X1C"), ("h2d", "H2D")):
            printer = EmulatedBambu(model=model, access_code=CODE, speed=20.0, job_seconds=3000.0)
            bambus.append(await stack.enter_async_context(printer))
            authority = folder / f"{name}.pem"
            printer.write_ca(authority)
            config += CONFIG.format(
                name=name, model=model, port=printer.port, serial=printer.serial, ca=authority
            )
            printer.start_job("benchy.3mf")
        links = {}
        for name, kind in PRUSAS.items():
            link = EmulatedPrusaLink(
                password=CODE, autopilot=False, speed=20.0, print_seconds=36000.0, **kind
            )
            links[name] = await stack.enter_async_context(link)
            link.machine.start_print(link.file())
            config += PRUSA.format(name=name, model=kind["model"], port=link.port)
        moonraker = Moonraker(folder / "data", config, secrets={"printers": {"code": CODE}})
        await asyncio.to_thread(moonraker.start)
        try:
            yield moonraker, bambus[0], links
        finally:
            await asyncio.to_thread(moonraker.stop)


async def shows_the_nozzle(page: Page, link: EmulatedPrusaLink) -> None:
    """What the page says is within two degrees of the emulator's own, which goes on heating."""
    shown = (
        "parseFloat([...document.querySelectorAll('tr')].find((row) => "
        "row.innerText.includes('Extruder'))?.innerText.match(/\\d+\\.\\d/)?.[0])"
    )
    for _ in range(1500):
        told = await page.eval(shown)
        if told is not None and abs(told - link.machine.nozzle.temperature) < 2.0:
            return
        await asyncio.sleep(0.04)
    raise AssertionError(f"the page shows {told}, it is {link.machine.nozzle.temperature}")


@pytest.mark.parametrize("interface", BUILDS)
async def test_the_whole_road(tmp_path: pathlib.Path, interface: str) -> None:
    build = os.environ.get(BUILDS[interface])
    if not build:
        pytest.skip(f"{BUILDS[interface]} names no build")
    shots = os.environ.get("MOONFLEET_SHOTS")
    async with (
        emulated(tmp_path) as (moonraker, bambu, links),
        Site(tmp_path / "site", moonraker.port, pathlib.Path(build)) as site,
    ):
        titles = {"x1c": "Emulated X1C", "h2d": "Emulated H2D"}
        titles.update({name: f"Emulated {kind['model']}" for name, kind in PRUSAS.items()})
        for name, title in titles.items():
            async with Chromium() as browser:
                if interface == "mainsail":
                    site.configure(mainsail_config(site.port, *titles))
                    page = await browser.open(f"{site.url}/?printer={name}", 1400, 1300)
                else:
                    site.configure(fluidd_config(site.url, name))
                    page = await browser.open(f"{site.url}/", 1400, 1300)
                await page.until(says(title), WAIT)
                await page.until(says("Heater Bed"), WAIT)
                if name in PRUSAS:
                    await page.until(says("cube"), WAIT)
                    await shows_the_nozzle(page, links[name])
                else:
                    await page.until(says("A1"), WAIT)  # its filament unit
                if shots:
                    path = pathlib.Path(shots) / f"{interface}-emulated-{name}.png"
                    await page.screenshot(path, full=False)
                if interface == "fluidd" and name != "h2d":
                    await press_text(page, "Pause")
                    await page.until(says("PAUSED"), WAIT)
                assert page.errors == [], name
        if interface == "fluidd":
            for name, link in links.items():
                assert link.machine.state in ("PAUSED", "BUSY"), name
            assert any(body.get("command") == "pause" for _, body in bambu.requests)


@pytest.mark.parametrize("interface", BUILDS)
async def test_the_camera_is_looked_at(tmp_path: pathlib.Path, interface: str) -> None:
    build = os.environ.get(BUILDS[interface])
    if not build:
        pytest.skip(f"{BUILDS[interface]} names no build")
    async with EmulatedBambu(model="P1S", access_code=CODE) as printer:
        assert printer.camera is not None
        authority = tmp_path / "ca.pem"
        printer.write_ca(authority)
        config = CONFIG.format(
            name="p1s", model="P1S", port=printer.port, serial=printer.serial, ca=authority
        )
        config += f"camera_port: {printer.camera.port}\n"
        moonraker = Moonraker(tmp_path / "data", config, secrets={"printers": {"code": CODE}})
        await asyncio.to_thread(moonraker.start)
        try:
            await asyncio.to_thread(
                moonraker.until,
                lambda: moonraker.http("/websocket/moonfleet/p1s/server/webcams/list")["webcams"],
                "the camera to be known",
            )
            async with (
                Site(tmp_path / "site", moonraker.port, pathlib.Path(build)) as site,
                Chromium() as browser,
            ):
                if interface == "mainsail":
                    site.configure(mainsail_config(site.port, "p1s"))
                    page = await browser.open(f"{site.url}/?printer=p1s", 1400, 1300)
                else:
                    site.configure(fluidd_config(site.url, "p1s"))
                    page = await browser.open(f"{site.url}/", 1400, 1300)
                for _ in range(3000):
                    if printer.camera.viewers:
                        break
                    await asyncio.sleep(0.02)
                assert printer.camera.viewers  # somebody looks, through one connection
                assert page.errors == []
        finally:
            await asyncio.to_thread(moonraker.stop)
