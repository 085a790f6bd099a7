# The demo serves the interfaces' builds that the environment names
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""With made-up builds; the real ones are opened by tests/browser."""

from __future__ import annotations

import aiohttp
import pytest
from yarl import URL

from tests.demo import interfaces
from tests.demo.processes import DemoError

NAMES = ["klipper", "x1c"]


@pytest.fixture
def build(tmp_path, monkeypatch):
    place = tmp_path / "build"
    place.mkdir()
    (tmp_path / "secret").write_text("not to be served")
    (place / "index.html").write_text("the interface")
    (place / "app.js").write_text("its script")
    monkeypatch.delenv("FLUIDD_DIST", raising=False)
    monkeypatch.delenv("MAINSAIL_DIST", raising=False)
    return place


def test_nothing_named_nothing_served(build):
    assert interfaces.named(7125, NAMES) == []


async def test_a_named_build_is_served_with_every_printer(build, monkeypatch):
    monkeypatch.setenv("MAINSAIL_DIST", str(build))
    (interface,) = interfaces.named(7125, NAMES)
    await interface.start()
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(interface.url) as reply:
                assert await reply.text() == "the interface"
            async with session.get(f"{interface.url}app.js") as reply:
                assert await reply.text() == "its script"
            # a page within the interface, and nothing outside its folder
            for path in ("allPrinters", "%2e%2e/secret", "..%2fsecret", "%2fetc%2fhostname"):
                async with session.get(URL(f"{interface.url}{path}", encoded=True)) as reply:
                    assert await reply.text() == "the interface", path
            async with session.get(f"{interface.url}config.json") as reply:
                config = await reply.json()
    finally:
        await interface.stop()
    assert [entry["path"] for entry in config["instances"]] == ["", "/websocket/moonfleet/x1c"]
    assert {entry["port"] for entry in config["instances"]} == {7125}
    assert [entry["name"] for entry in config["instances"]] == NAMES


def test_fluidd_gets_its_own_form():
    assert interfaces.fluidd_config(7125, NAMES)["endpoints"] == [
        "http://127.0.0.1:7125",
        "http://127.0.0.1:7125/websocket/moonfleet/x1c",
    ]


def test_a_folder_without_a_build_is_named(build, monkeypatch):
    monkeypatch.setenv("FLUIDD_DIST", str(build / "absent"))
    with pytest.raises(DemoError, match=r"FLUIDD_DIST names .*absent, which holds no index.html"):
        interfaces.named(7125, NAMES)
