# The component in a real Moonraker of every supported release
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""It loads without a warning, answers on both roads, restarts and ends cleanly."""

from __future__ import annotations

import json
import pathlib
import urllib.error
import urllib.request
from typing import Optional

import pytest

from tests.moonraker.conftest import newest
from tests.moonraker.real import BASE, Moonraker

pytestmark = pytest.mark.moonraker
READS = ("printers", "eta", "events", "status", "history.list")
BROKEN = "\n[moonfleet x1c]\ntype: bambu\n"


def test_it_loads_idles_and_ends_cleanly(moonraker):
    server = moonraker()
    info = server.http("/server/info")
    assert info["failed_components"] == [] and info["warnings"] == []
    assert "moonfleet" in info["components"]
    assert server.http("/server/moonfleet/printers") == {"printers": []}
    status = server.http("/server/moonfleet/status")
    assert status["virtual_printers"] == {"enabled": True, "reason": None}
    assert status["warnings"] == [] and status["eta"]["bridged"] is True
    assert server.stop() == 0
    assert "Traceback" not in server.log()


async def test_every_method_answers_over_json_rpc_and_http(moonraker):
    server = moonraker(BROKEN)
    async with server.socket() as client:
        for method in READS:
            over_socket = await client.result(f"server.moonfleet.{method}")
            over_http = server.http(f"/server/moonfleet/{method.replace('.', '/')}")
            assert isinstance(over_http, dict) and over_http.keys() == over_socket.keys(), method
        info = await client.result("server.moonfleet.printer", printer="x1c")
        assert info == server.http("/server/moonfleet/printer", printer="x1c")


async def test_errors_are_one_ascii_line_with_the_right_status(moonraker):
    server = moonraker(BROKEN)
    status, message = server.fails("/server/moonfleet/printer", printer="nö<b>")
    assert status == 404
    assert message == "no printer named 'n?(b>'; known: x1c"
    status, message = server.fails("/server/moonfleet/printer")
    assert status == 400 and "printer" in message
    status, message = server.fails("/server/moonfleet/print/pause", {"printer": "x1c"})
    assert status == 503 and "option 'host'" in message
    assert server.fails("/server/moonfleet/events", printer="nobody")[0] == 404
    assert server.fails("/server/moonfleet/events", limit="many")[0] == 400
    assert server.fails("/server/moonfleet/history/job", job_id="0000")[0] == 404
    # a read must not act
    assert server.fails("/server/moonfleet/print/pause", printer="x1c")[0] == 405
    async with server.socket() as client:
        answer = await client.call("server.moonfleet.print.cancel", printer="x1c")
        assert answer["error"]["code"] == 503
        answer = await client.call("server.moonfleet.printer", printer=["x1c"])
        assert answer["error"]["code"] == -32601


def test_printers_without_a_moonfleet_section(moonraker):
    server = moonraker(BROKEN, base=BASE.replace("[moonfleet]", ""))
    names = [info["name"] for info in server.http("/server/moonfleet/printers")["printers"]]
    assert names == ["x1c"]
    assert server.http("/server/info")["failed_components"] == []


def test_a_restart_inside_the_process(moonraker):
    server = moonraker(BROKEN)
    for _ in range(3):
        server.restart()
    assert server.process.poll() is None
    info = server.http("/server/info")
    assert info["failed_components"] == []
    assert len(info["warnings"]) == 1 and "option 'host'" in info["warnings"][0]
    assert len(server.http("/server/moonfleet/printers")["printers"]) == 1
    assert "Traceback" not in server.log()


def test_without_the_thermal_half_only_the_eta_is_off(moonraker, tmp_path: pathlib.Path):
    block = tmp_path / "block"
    block.mkdir()
    (block / "sitecustomize.py").write_text(
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.startswith('moonraker.components.moonfleet.thermal'):\n"
        "            raise ImportError('No module named ' + name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
    )
    config = "\n[moonfleet mk4]\ntype: prusalink\nhost: 127.0.0.1\nport: 9\npassword: {'a'}\n"
    server = moonraker(config, environ={"PYTHONPATH": str(block)})
    (warning,) = server.warnings()
    assert "heater ETA for bridged printers is off" in warning
    assert server.http("/server/moonfleet/status")["eta"]["bridged"] is False
    assert server.http("/server/moonfleet/eta")["heaters"] == []
    (info,) = server.http("/server/moonfleet/printers")["printers"]
    assert info["connection"]["state"] != "config_error"
    assert server.http("/server/info")["failed_components"] == []


def test_results_are_valid_json_without_speedups(moonraker):
    off = {"MOONRAKER_ENABLE_MSGSPEC": "n", "MOONRAKER_ENABLE_UVLOOP": "n"}
    server = moonraker(BROKEN, environ=off)

    def refuse(word: str) -> None:
        raise AssertionError(word)

    for method in READS:
        with urllib.request.urlopen(
            f"{server.url}/server/moonfleet/{method.replace('.', '/')}"
        ) as reply:
            assert json.loads(reply.read(), parse_constant=refuse)["result"] is not None


def test_nothing_is_told_to_strangers(moonraker):
    """Moonraker's own authorization stands before every method; the page itself is no secret."""
    server = moonraker(
        BROKEN, base=BASE.replace("127.0.0.1\n\n[moonfleet]", "192.0.2.1\n\n[moonfleet]")
    )
    reads = [name.replace(".", "/") for name in READS]
    reads += ["printer", "history/job", "history/totals", "history/export", "statistics"]
    for path in [*reads, "maintenance/list"]:
        assert status_of(server, f"/server/moonfleet/{path}") == 401, path
    for action in (
        *("print/pause", "print/resume", "print/cancel", "print/start", "history/delete"),
        *("maintenance/reset", "discover"),
        *(f"printers/{word}" for word in ("add", "update", "remove", "test", "repin")),
    ):
        assert status_of(server, f"/server/moonfleet/{action}", b"{}") == 401, action
    assert status_of(server, "/server/moonfleet/ui") == 200


@newest
def test_the_page_is_found_with_a_slash_too(moonraker):
    """Its links are relative and would miss from there."""
    server = moonraker(BROKEN)
    with urllib.request.urlopen(server.url + "/server/moonfleet/ui/", timeout=60) as reply:
        assert b'url=../ui"' in reply.read()
        assert reply.headers["Content-Type"].startswith("text/html")


def status_of(server: Moonraker, path: str, body: Optional[bytes] = None) -> int:
    try:
        with urllib.request.urlopen(server.url + path, body, timeout=60) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
