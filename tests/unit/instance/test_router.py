# Requests of a websocket client: table, batches, refusals, bad input
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""An unknown method is an error; nothing reaches the host; nothing malformed breaks anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from moonfleet.core.commands import Control

from .house import House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().start()
    yield house
    await house.stop()


async def raw(house: House, text: Any) -> Any:
    answer = await house.virtual.receive(text, house.client)
    return None if answer is None else json.loads(answer)


async def test_an_unknown_method_is_an_error_never_an_empty_success(house: House) -> None:
    for method in ("server.nonsense", "printer.objects.everything", "x", "server.spoolman.status"):
        assert await house.error(method) == {"code": -32601, "message": "Method not found"}
    assert house.virtual.router.unknown["server.nonsense"] == 1


@pytest.mark.parametrize(
    "method",
    [
        *("machine.reboot", "machine.shutdown", "machine.services.restart"),
        *("machine.update.full", "machine.update.client", "machine.device_power.devices"),
        *("server.restart", "server.logs.rollover", "server.database.compact"),
        *("server.database.post_backup", "server.database.restore", "server.extensions.request"),
        *("server.moonfleet.print.cancel", "debug.database.list", "machine.peripherals.usb"),
    ],
)
async def test_what_would_reach_the_host_is_refused_in_one_sentence(
    house: House, method: str
) -> None:
    fault = await house.error(method)
    assert fault["code"] == 403
    assert method in fault["message"] and "host" in fault["message"]
    assert "\n" not in fault["message"]


@pytest.mark.parametrize("method", ["printer.restart", "printer.firmware_restart"])
async def test_a_restart_says_that_there_is_no_klipper(house: House, method: str) -> None:
    fault = await house.error(method)
    assert fault["code"] == 403 and "x1c has none" in fault["message"]


async def test_batches_are_answered_in_order(house: House) -> None:
    batch = [
        {"jsonrpc": "2.0", "method": "server.info", "id": 1},
        {"jsonrpc": "2.0", "method": "nope", "id": 2},
        {"jsonrpc": "2.0", "method": "server.info"},
        7,
        {"jsonrpc": "2.0", "method": "printer.info", "id": "three"},
    ]
    answers = await raw(house, json.dumps(batch))
    assert [answer.get("id") for answer in answers] == [1, 2, None, "three"]
    assert answers[0]["result"]["klippy_state"] == "ready"
    assert answers[1]["error"]["code"] == -32601
    assert answers[2]["error"]["code"] == -32600


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", -32700),
        ("[" * 100_000, -32700),
        ("[]", -32600),
        ("7", -32600),
        ('"text"', -32600),
        ("null", -32600),
        ('{"method": "server.info", "id": 1}', -32600),
        ('{"jsonrpc": "2.0", "id": 1}', -32600),
        ('{"jsonrpc": "2.0", "method": 5, "id": 1}', -32600),
        ('{"jsonrpc": "2.0", "method": "server.info", "params": [1], "id": 1}', -32602),
        ('{"jsonrpc": "2.0", "method": "printer.objects.query", "id": 1}', -32602),
        (" " * (1024 * 1024 + 1), -32600),
        (json.dumps([{}] * 300), -32600),
        (b"\xff\xfe\x00", -32700),
    ],
)
async def test_malformed_messages_get_an_error(house: House, text: Any, code: int) -> None:
    answer = await raw(house, text)
    assert answer["error"]["code"] == code
    assert (await house.result("server.info"))["klippy_state"] == "ready"


@pytest.mark.parametrize("objects", [7, None, [], {"extruder": 5}, {"extruder": [1]}, "x"])
async def test_a_malformed_subscription_is_refused(house: House, objects: Any) -> None:
    assert (await house.error("printer.objects.subscribe", objects=objects))["code"] == -32602
    assert (await house.error("printer.objects.query", objects=objects))["code"] == -32602


async def test_a_request_without_id_is_not_answered(house: House) -> None:
    assert await raw(house, '{"jsonrpc": "2.0", "method": "server.info"}') is None


async def test_nobody_is_answered_before_showing_who_it_is(house: House) -> None:
    house.sink.need_auth = True
    for method in ("server.info", "printer.objects.list", "printer.print.cancel", "machine.reboot"):
        assert await house.error(method) == {"code": -32602, "message": "Unauthorized"}
    assert house.bridge.sent == []
    identified = await house.result(
        "server.connection.identify", client_name="t", version="1", type="web", url="u"
    )
    assert identified == {"connection_id": 1}
    assert await house.result("access.info") == {"from": "host"}


async def test_identify_wants_its_parameters_and_takes_no_agents(house: House) -> None:
    wrong = await house.error("server.connection.identify", client_name="t")
    assert wrong["code"] == -32602 and "version" in wrong["message"]
    who = {"client_name": "t", "version": "1", "url": "u"}
    agent = await house.error("server.connection.identify", type="agent", **who)
    assert agent["code"] == 403
    assert house.sink.identified is None


async def test_no_result_is_ever_null(house: House) -> None:
    """Fluidd throws on a null result."""
    for method in house.virtual.router.handlers:
        answer = await house.call(method)
        assert "error" in answer or answer["result"] is not None, method


async def test_a_flood_is_slowed_down_and_then_dropped(house: House) -> None:
    house.virtual.eventtime = lambda: 5.0  # type: ignore[method-assign]  # all in one moment
    house.client._allowance_at = 5.0
    answers = [await house.call("server.info") for _ in range(1200)]
    refused = [a["error"]["code"] for a in answers if "error" in a]
    assert refused and set(refused) == {429}
    assert house.sink.dropped is None
    for _ in range(3000):
        await house.call("server.info")
    assert house.sink.dropped is not None


async def test_a_fault_inside_a_method_is_an_error_and_nothing_more(house: House) -> None:
    async def broken(request: Any) -> Any:
        raise ZeroDivisionError("secret details")

    house.virtual.router.handlers["server.info"] = broken
    fault = await house.error("server.info")
    assert fault["code"] == 500 and "secret" not in fault["message"]


async def test_control_none_permits_nothing() -> None:
    house = await House(Control.NONE).start()
    fault = await house.error("printer.print.pause")
    assert fault["code"] == 403 and "control: jobs" in fault["message"]
    assert house.bridge.sent == []
    await house.stop()
