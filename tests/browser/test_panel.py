# The fleet page in a real Chromium
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every state a person may find the page in, against a Moonraker that misbehaves on request."""

from __future__ import annotations

import json
import re
import time

import pytest

from .chromium import Chromium, find_chromium
from .fake_moonraker import FakeMoonraker, eta, heater, job

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no chromium on this machine"),
]

CARDS = "document.querySelectorAll('.card').length === 4"


def card(name: str, selector: str = "") -> str:
    return f"document.querySelector('[aria-labelledby=\"printer-{name}\"] {selector}')"


def words(name: str, selector: str = "") -> str:
    return f"({card(name, selector)}?.innerText ?? '')"


@pytest.fixture
async def browser():
    async with Chromium() as chromium:
        yield chromium


@pytest.fixture
async def moonraker():
    async with FakeMoonraker() as server:
        yield server


async def test_lists_every_printer_with_state_job_times_and_temperatures(browser, moonraker):
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    x1c = await page.until(words("x1c"))
    assert "X1 Carbon" in x1c and "Printing" in x1c
    assert "Gridfinity baseplate 4x4" in x1c and "42 %" in x1c
    assert "Layer 34 of 120" in x1c and "1 h 05 min left, ends" in x1c
    assert "219.9 °C → 220" in x1c
    assert "Paused" in await page.eval(words("mk4"))
    assert "The printer refused the access code" in await page.eval(words("a1"))
    assert "Access refused" in await page.eval(words("a1", ".badge"))
    assert "3 of 4 online" in await page.eval("document.getElementById('summary').innerText")
    assert page.errors == []


async def test_heater_eta_counts_down_by_itself(browser, moonraker):
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    shown = f"{card('klipper', '.heater .eta-main')}.innerText"
    first = await page.until(shown)
    assert re.fullmatch(r"ready in 0:4\d", first)
    await page.until(f"{shown} !== {json.dumps(first)}")
    assert re.fullmatch(r"ready in 0:\d\d", await page.eval(shown))
    assert "± 4 s" in await page.eval(words("klipper", ".heater .eta-detail"))
    assert "Extruder ready" in await page.eval("document.getElementById('next-list').innerText")
    # and says so when it is over
    await moonraker.update("klipper", heaters={"extruder": eta("ready")})
    await page.until(f"{shown} === 'ready'")


async def test_the_clock_of_the_viewing_device_does_not_matter(browser, moonraker):
    moonraker.replies["server.moonfleet.eta"] = {"heaters": [], "time": time.time() - 7200}
    moonraker.fleet[0]["heaters"]["extruder"]["ready_at"] -= 7200
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    shown = await page.eval(words("klipper", ".heater .eta-main"))
    assert re.fullmatch(r"ready in 0:4\d", shown)


async def test_follows_status_updates_and_keeps_what_they_leave_out(browser, moonraker):
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    heaters = {"extruder": heater(150.0, 240), "heater_bed": heater(97.0, 110)}
    await moonraker.update("klipper", snapshot={"heaters": heaters})
    await page.until(f"{words('klipper')}.includes('150.0 °C → 240')")
    assert "ready in" in await page.eval(words("klipper", ".heater .eta-main"))
    await moonraker.update("x1c", snapshot={"job": job("Benchy", 0.5, layer=60, layers=120)})
    await page.until(f"{words('x1c')}.includes('50 %')")
    assert "219.9 °C → 220" in await page.eval(words("x1c"))
    await moonraker.update("x1c", snapshot={"state": "error", "faults": [
        {"code": "0300_0100_0001_0001", "severity": "serious", "url": "https://example.com/hms"},
        {"code": "0700_2000_0002_0001", "severity": "common", "url": "javascript:alert(1)"},
    ]})  # fmt: skip
    await page.until(f"{words('x1c')}.includes('0700_2000_0002_0001')")
    links = f"[...{card('x1c')}.querySelectorAll('a')].map((a) => a.href)"
    assert await page.eval(links) == ["https://example.com/hms"]
    assert "Error" in await page.eval(words("x1c", ".badge"))
    assert page.errors == []


async def test_text_from_printers_is_never_markup(browser, moonraker):
    evil = "<img src=x onerror=\"document.title='owned'\"><b>bold</b> 🖨️ & co"
    moonraker.fleet[1].update(display_name=evil)
    moonraker.fleet[1]["snapshot"].update(
        stage=evil, message=evil, model=evil, job=job(evil, 0.1),
        faults=[{"code": evil, "severity": evil, "url": evil}],
    )  # fmt: skip
    moonraker.fleet[3]["connection"]["message"] = evil
    moonraker.jobs = [{"job_id": "1", "printer": "x1c", "name": evil, "status": evil,
                       "end_time": time.time(), "print_duration": 5}]  # fmt: skip
    moonraker.events = [
        {"id": 1, "time": time.time(), "type": "fault", "printer": "x1c", "code": evil}
    ]
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    assert await page.eval(f"{card('x1c', 'h3')}.textContent") == evil
    assert await page.eval("document.querySelectorAll('main img, main b b').length") == 0
    assert await page.eval("document.title") == "Moonfleet"
    assert page.errors == []


async def test_the_page_talks_to_its_own_host_only(browser, moonraker):
    page = await browser.open(moonraker.url)
    await page.until(CARDS)  # its own websocket counts as 'self'
    await page.eval("""
      addEventListener("securitypolicyviolation", (event) => {
        window.refused = event.effectiveDirective;
      });
      try { new WebSocket("ws://127.0.0.1:9/"); } catch { }
    """)
    await page.until("window.refused === 'connect-src'")


async def test_odd_values_break_nothing(browser, moonraker):
    moonraker.fleet[1]["snapshot"] = None
    moonraker.fleet[1]["heaters"] = None
    moonraker.fleet[2]["snapshot"].update(
        state="sleeping", heaters={"extruder": None}, job={}, faults=[{}]
    )
    moonraker.fleet[0]["heaters"] = {"extruder": {}, "heater_generic <x>": eta("new_state")}
    moonraker.fleet[3]["connection"] = None
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    await moonraker.update("klipper", snapshot=None)
    await moonraker.notify("notify_moonfleet_status_update")
    await moonraker.notify("notify_moonfleet_event", None)
    await moonraker.notify("notify_moonfleet_history_changed", {"action": "added"})
    await moonraker.update("mk4", snapshot={"state": "printing"})
    await page.until(f"{words('mk4')}.includes('Printing')")
    assert page.errors == []


async def test_pause_is_said_to_be_done_only_when_the_printer_confirms(browser, moonraker):
    moonraker.replies["server.moonfleet.print.pause"] = {
        "printer": "x1c", "action": "pause", "result": "accepted", "reason": None,
        "state": "paused",
    }  # fmt: skip
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    await page.eval(f"{card('x1c', 'button.pause')}.click()")
    await page.until(f"{words('x1c')}.includes('Paused: the printer confirms it.')")
    assert ("server.moonfleet.print.pause", {"printer": "x1c"}) in moonraker.calls
    moonraker.replies["server.moonfleet.print.pause"].update(
        result="rejected", reason="developer mode is off"
    )
    await page.eval(f"{card('x1c', 'button.pause')}.click()")
    await page.until(f"{words('x1c')}.includes('Not done: developer mode is off')")
    moonraker.replies["server.moonfleet.print.pause"].update(result="unconfirmed", reason=None)
    await page.eval(f"{card('x1c', 'button.pause')}.click()")
    await page.until(f"{words('x1c')}.includes('has not shown it yet')")
    moonraker.replies["server.moonfleet.print.pause"] = "the printer is offline"
    await page.eval(f"{card('x1c', 'button.pause')}.click()")
    await page.until(f"{words('x1c')}.includes('Not sent: the printer is offline')")


async def test_cancel_asks_first_and_works_by_keyboard(browser, moonraker):
    moonraker.replies["server.moonfleet.print.cancel"] = {
        "printer": "x1c", "action": "cancel", "result": "accepted", "reason": None,
        "state": "cancelled",
    }  # fmt: skip
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    sent = [name for name, _ in moonraker.calls]
    await page.eval(f"{card('x1c', 'button.cancel')}.focus()")
    await page.key("Enter", 13)
    await page.until(f"{words('x1c')}.includes('Cancel this job?')")
    assert "server.moonfleet.print.cancel" not in sent
    await page.key("Escape", 27)
    await page.until(f"{card('x1c', '.confirm')}.hidden")
    await page.key("Enter", 13)
    await page.until(f"!{card('x1c', '.confirm')}.hidden")
    await page.key("Enter", 13)
    await page.until(f"{words('x1c')}.includes('Cancelled: the printer confirms it.')")


async def test_only_possible_and_permitted_actions_are_offered(browser, moonraker):
    moonraker.fleet[2]["capabilities"] = ["cancel"]
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    offered = (
        "[...document.querySelectorAll('.card')].map((c) => [...c.querySelectorAll("
        "'.actions > button')].filter((b) => !b.hidden).map((b) => b.innerText).join())"
    )
    assert await page.eval(offered) == ["", "Pause,Cancel", "Cancel", ""]


async def test_reconnects_by_itself_and_shows_what_changed(browser, moonraker):
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    await moonraker.stop()
    await page.until("document.getElementById('link').innerText.includes('Connection lost')")
    assert "does not answer" in await page.text()
    moonraker.fleet.pop()
    await moonraker.start()
    await page.until("document.getElementById('link').innerText === 'Live'", timeout=40)
    await page.until("document.querySelectorAll('.card').length === 3")
    assert "does not answer" not in await page.text()


async def test_a_printer_added_later_appears(browser, moonraker):
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    added = dict(moonraker.fleet[1], name="p1s", display_name="P1S")
    moonraker.fleet.append(added)
    await moonraker.notify("notify_moonfleet_status_update", {"p1s": added}, 1.0)
    await page.until(f"{words('p1s')}.includes('P1S')")


async def test_without_the_component_the_page_says_so(browser, moonraker):
    moonraker.unknown = "server.moonfleet."
    page = await browser.open(moonraker.url)
    await page.until("document.querySelector('.notice')?.innerText.includes('moonfleet component')")
    assert await page.eval("document.getElementById('content').hidden")


async def test_a_refusing_moonraker_is_quoted(browser, moonraker):
    moonraker.replies["server.moonfleet.printers"] = "database is locked"
    page = await browser.open(moonraker.url)
    await page.until("document.querySelector('.notice')?.innerText.includes('database is locked')")


async def test_logs_in_where_moonraker_demands_it_and_remembers(browser):
    async with FakeMoonraker(prefix="/farm/pi1", password="s3cret") as moonraker:
        page = await browser.open(moonraker.url)
        await page.until("document.querySelector('#login input')")
        assert not await page.eval("document.querySelector('.card')")
        await page.eval("document.getElementById('login-user').value = 'ann'")
        await page.eval("document.getElementById('login-password').value = 'wrong'")
        await page.eval("document.querySelector('#login button').click()")
        await page.until("document.getElementById('login').innerText.includes('Invalid Password')")
        await page.eval("document.getElementById('login-password').value = 's3cret'")
        await page.eval("document.querySelector('#login button').click()")
        await page.until(CARDS)
        assert await page.eval("document.getElementById('login').hidden")
        await page.go(moonraker.url)
        await page.until(CARDS)
        assert ("access.refresh_jwt", {"refresh_token": "refresh"}) in moonraker.calls
        assert all("s3cret" not in url and "token" not in url for url in page.requests)


async def test_asks_nobody_else_and_no_script_from_elsewhere_runs(browser, moonraker):
    page = await browser.open(moonraker.url)
    await page.until(CARDS)
    host = f"127.0.0.1:{moonraker.port}"
    outside = [u for u in page.requests if host not in u and not u.startswith(("data:", "about:"))]
    assert outside == []
    assert page.errors == []
    await page.eval(
        "{ const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); }"
    )
    assert await page.eval("window.ran === undefined")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 400, 1400, 3840])
async def test_fits_every_width_with_readable_contrast(browser, moonraker, width, scheme):
    moonraker.fleet[1]["snapshot"]["job"]["name"] = "a_very_long_name_without_any_blank" * 4
    moonraker.fleet[3]["display_name"] = "AnotherNameThatNeverEnds" * 5
    page = await browser.open(moonraker.url, width=width, height=900, scheme=scheme)
    await page.until(CARDS)
    assert await page.eval("document.documentElement.scrollWidth") <= width
    poor = await page.eval(CONTRAST)
    assert poor == []


# every visible text against the nearest opaque background behind it: WCAG AA asks for 4.5
CONTRAST = """(() => {
  const numbers = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const poor = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !node.offsetParent || node.closest('.unseen, .skip, [data-online="false"] .job')) {
      continue;
    }
    let behind = node;
    while (behind && (numbers(getComputedStyle(behind).backgroundColor)[3] ?? 1) < 1) {
      behind = behind.parentElement;
    }
    const paper = getComputedStyle(behind ?? document.body).backgroundColor;
    const [a, b] = [light(numbers(getComputedStyle(node).color)), light(numbers(paper))]
      .sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${node.className || node.tagName} ${ratio.toFixed(2)}`);
  }
  return poor;
})()"""
