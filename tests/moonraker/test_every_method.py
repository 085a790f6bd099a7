# Every documented method exists on both roads, and refuses nonsense in words
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The table of docs/external_api.md against a real Moonraker of each release."""

from __future__ import annotations

import re
import urllib.error
from typing import Any

import pytest

from tests.moonraker.real import ROOT, Moonraker

pytestmark = pytest.mark.moonraker
BROKEN = "\n[moonfleet x1c]\ntype: bambu\n"
ACTIONS = ("add", "update", "remove", "test", "repin", "discover", "delete", "note", "reset")


def methods() -> dict[str, str]:
    """Method -> HTTP verb, as documented."""
    found = {}
    for line in (ROOT / "docs" / "external_api.md").read_text().splitlines():
        if not line.startswith("| `server.moonfleet."):
            continue
        first, *more = re.findall(r"`([\w.]+)`", line.split("|")[1])
        stem = first.rpartition(".")[0]
        for name in (first, *(stem + word for word in more)):
            acts = ".print." in name or name.rpartition(".")[2] in ACTIONS
            found[name] = "POST" if acts else "GET"
    return found


def over_http(server: Moonraker, method: str, verb: str, **params: Any) -> tuple[int, str]:
    """(200, "") or the refusal."""
    path = "/" + method.replace(".", "/")
    body, query = (params, {}) if verb == "POST" else (None, params)
    try:
        result = server.http(path, body, **query)
    except urllib.error.HTTPError:
        return server.fails(path, body, **query)
    assert isinstance(result, dict), (method, result)
    return 200, ""


async def test_every_documented_method_has_both_roads(moonraker):
    server = moonraker(BROKEN)
    documented = methods()
    assert len(documented) >= 20 and "server.moonfleet.print.cancel" in documented
    async with server.socket() as client:
        for method, verb in documented.items():
            if method.endswith(".discover"):  # would look around in the network
                continue
            params = {"printer": "nobody", "name": "nobody", "job_id": "nobody"}
            answer = await client.call(method, **params)
            status, message = over_http(server, method, verb, **params)
            if "result" in answer:
                assert isinstance(answer["result"], dict), answer
                assert status == 200, (method, message)
                continue
            assert answer["error"]["message"] != "Method not found", method
            assert status in (400, 404), (method, status, message)
            assert message == answer["error"]["message"] and message != "Unknown", method
            assert message.isascii() and "\n" not in message


@pytest.mark.parametrize("given", ["abc", "nan", "<b>"])
async def test_a_number_that_is_none_is_named(moonraker, given: str):
    server = moonraker(BROKEN)
    clear = f"limit: '{given}' is not a number".replace("<", "(")
    for path in ("events", "history/list"):
        assert server.fails(f"/server/moonfleet/{path}", limit=given) == (400, clear)
    async with server.socket() as client:
        answer = await client.call("server.moonfleet.history.list", limit=given)
        assert answer["error"] == {"code": 400, "message": clear}
