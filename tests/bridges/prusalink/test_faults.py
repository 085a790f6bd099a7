# The fault matrix: what each trouble looks like, and that it passes
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every fault is switched on under a running bridge, must be named, and must leave no trace."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

import pytest
from moonfleet.bridges.base import Link
from moonfleet.core.commands import Action, Command
from moonfleet.core.errors import CommandRejected, MoonfleetError, NotConnected
from moonfleet.core.model import PrintState

from tests.emulators.prusalink import EmulatedPrusaLink
from tests.emulators.prusalink.http import Request, Response, json_response

from .stage import PASSWORD, QUICK, Host, bridged, emulated, until

FLAVOURS = ("buddy", "python")
SHORT = replace(QUICK, timeout=0.25)
VISIBLE = [
    ("html", Link.FAULT, "a web page"),
    ("html_500", Link.FAULT, "a web page, status 500"),
    ("truncated", Link.FAULT, "no valid JSON"),
    ("wrong_types", Link.FAULT, "not as PrusaLink does"),
    ("endless", Link.FAULT, "without end"),
    ("garbage", Link.FAULT, "does not answer as PrusaLink does"),
    ("drop", Link.UNREACHABLE, "closed the connection"),
    ("hang", Link.UNREACHABLE, "did not answer in time"),
    ("starting", Link.CONNECTING, "is starting"),
]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(("fault", "link", "words"), VISIBLE)
async def test_a_fault_is_named_and_passes(
    flavour: str, fault: str, link: Link, words: str
) -> None:
    async with emulated(flavour) as printer, bridged(printer, SHORT) as (bridge, host):
        await until(lambda: host.link is Link.ONLINE and host.snapshots)
        setattr(printer.faults, fault, True)
        await until(lambda: host.link is link, f"{fault} shown as {link}")
        assert words in host.message and "\n" not in host.message
        with pytest.raises(NotConnected):
            await bridge.send(Command(Action.PAUSE))
        setattr(printer.faults, fault, False)
        await until(lambda: host.link is Link.ONLINE, "back again")
        assert host.message == ""
        assert len(host.connections) <= 5, "one report per change, not one per poll"


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    "faults",
    [
        {"slow": 0.05},
        {"nonce_life": 0.5},
        {"close_on_401": True, "nonce_life": 0.5},
        {"drop_idle": True},
        {"hang_on_unquoted_algorithm": True},
    ],
    ids=lambda faults: "+".join(faults),
)
async def test_what_a_real_printer_does_is_no_fault(flavour: str, faults: dict[str, Any]) -> None:
    async with emulated(flavour, print_seconds=36000.0) as printer:
        for name, value in faults.items():
            setattr(printer.faults, name, value)
        async with bridged(printer) as (bridge, host):
            await until(lambda: host.link is Link.ONLINE)
            await bridge.send(Command(Action.START, {"filename": "cube.gcode"}))
            await until(lambda: host.last.state is PrintState.PRINTING)
            await bridge.send(Command(Action.PAUSE))
            await until(lambda: host.last.state is PrintState.PAUSED)
            count = len(host.snapshots)
            await until(lambda: len(host.snapshots) > count + 5)
            if "nonce_life" in faults:
                await until(lambda: _signed_again(printer) > 3, "nonces that died")
        assert [known.state for known in host.connections] == [Link.ONLINE]
        assert printer.stats.peak_active == 1
        assert printer.stats.peak_connections <= 2
        assert not printer.stats.refused


def _signed_again(printer: EmulatedPrusaLink) -> int:
    return sum(status == 401 for *_, status in printer.stats.requests)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_one_failed_poll_changes_nothing_visible(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (_, host):
        await until(lambda: len(host.snapshots) > 3)
        seen = len(printer.stats.requests)
        printer.faults.html_500 = True
        await until(lambda: len(printer.stats.requests) > seen)
        printer.faults.html_500 = False
        count = len(host.snapshots)
        await until(lambda: len(host.snapshots) > count + 3)
        assert [known.state for known in host.connections] == [Link.ONLINE]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("way", ["password", "api_key"])
async def test_wrong_credentials_are_tried_once_a_minute(flavour: str, way: str) -> None:
    async with emulated(flavour) as printer, bridged(printer, **{way: "wrong"}) as (bridge, host):
        await until(lambda: host.link is Link.AUTH_FAILED)
        assert f"option '{way}'" in host.message and "[moonfleet mk]" in host.message
        for _ in range(5):
            await bridge.refresh()
            with pytest.raises(NotConnected):
                await bridge.send(Command(Action.PAUSE))
        end = time.monotonic() + 0.5
        await until(lambda: time.monotonic() > end)
        assert len(printer.stats.refused) == 1
        assert len(host.connections) == 1


async def test_a_redirect_is_never_followed() -> None:
    async with emulated("buddy") as elsewhere, emulated("buddy") as printer:
        printer.faults.redirect = f"http://127.0.0.1:{elsewhere.port}/api/version"
        async with bridged(printer) as (_, host):
            await until(lambda: host.link is Link.FAULT)
            assert "redirects" in host.message
        assert elsewhere.stats.opened == 0


async def test_an_sl1_is_refused() -> None:
    async with emulated("buddy") as printer:
        real = printer.flavour.answer

        async def sl1(request: Request) -> Response:
            if request.path == "/api/version":
                return json_response({"api": "0.1", "server": "1.1.0", "text": "Prusa SL1 1.7.0"})
            return await real(request)

        printer.flavour.answer = sl1  # type: ignore[method-assign]
        async with bridged(printer) as (_, host):
            await until(lambda: host.link is Link.FAULT)
            assert "SL1" in host.message and "resin" in host.message
            assert not host.snapshots


async def test_old_firmware_without_v1() -> None:
    async with emulated("buddy") as printer:
        real = printer.flavour.answer

        async def old(request: Request) -> Response:
            if request.path.startswith("/api/v1/"):
                return printer.flavour.error(request, 404, "Not Found")
            return await real(request)

        printer.flavour.answer = old  # type: ignore[method-assign]
        async with bridged(printer) as (_, host):
            await until(lambda: host.link is Link.FAULT)
            assert "update" in host.message


async def test_nobody_listens_and_no_such_host() -> None:
    printer = EmulatedPrusaLink(password=PASSWORD, autopilot=False)
    await printer.start()
    await printer.stop()
    async with bridged(printer) as (_, host):
        await until(lambda: host.link is Link.REFUSED)
    async with bridged(printer, host="no-such-host.invalid") as (_, host):
        await until(lambda: host.link is Link.UNREACHABLE)
        assert "no-such-host.invalid" in host.message


async def test_without_aiohttp_it_is_this_printers_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "aiohttp", None)
    printer = EmulatedPrusaLink(password=PASSWORD, autopilot=False)
    async with printer, bridged(printer) as (_, host):
        await until(lambda: host.link is Link.CONFIG_ERROR)
        assert "aiohttp" in host.message and "pip install" in host.message


async def test_behind_a_reverse_proxy_with_a_path() -> None:
    async with emulated("python") as printer:
        real = printer._respond

        async def below(request: Request) -> Response:
            if not request.target.startswith("/mk3/"):
                return printer.flavour.error(request, 404, "Not Found")
            request.target = request.target[len("/mk3") :]  # as the proxy hands it on
            return await real(request)

        printer._respond = below  # type: ignore[method-assign]
        for options in ({"password": PASSWORD}, {"api_key": PASSWORD}):
            async with bridged(printer, path_prefix="/mk3", **options) as (_, host):
                await until(lambda: host.link is Link.ONLINE and host.snapshots)


# ---- secrets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("way", ["password", "api_key"])
async def test_no_secret_anywhere_in_a_whole_run(
    flavour: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    host = Host()
    async with emulated(flavour) as printer:

        def gossip(request: Request, status: int, title: str, message: str = "") -> Response:
            return json_response({"title": title, "message": f"you said {PASSWORD}"}, status)

        printer.flavour.error = gossip  # type: ignore[method-assign]
        async with bridged(printer, SHORT, **{way: PASSWORD}) as (bridge, host):
            await until(lambda: host.link is Link.ONLINE)
            for command in (
                Command(Action.START, {"filename": "none.gcode"}),
                Command(Action.PAUSE),
                Command(Action.START, {"filename": "cube.gcode"}),
                Command(Action.RESUME),
            ):
                try:
                    await bridge.send(command)
                except MoonfleetError as error:
                    said.append(f"{error!r} {error.__cause__!r} {error.__context__!r}")
            for fault in ("html", "garbage", "endless", "drop", "hang", "wrong_types"):
                setattr(printer.faults, fault, True)
                await until(lambda: host.link is not Link.ONLINE)
                setattr(printer.faults, fault, False)
                await until(lambda: host.link is Link.ONLINE)
            said.append(str(dict(bridge.debug())))
            said.append(repr(bridge._credentials))
    said += [str(known.to_json()) for known in host.connections]
    said += [str(snapshot.to_json()) for snapshot in host.snapshots]
    said += list(host.texts.values())
    said += [record.getMessage() + str(record.exc_text) for record in caplog.records]
    assert any("<secret>" in text for text in said)
    assert not [text for text in said if PASSWORD in text]


async def test_a_rejection_keeps_the_printers_words() -> None:
    async with emulated("python") as printer, bridged(printer) as (bridge, host):
        await until(lambda: host.link is Link.ONLINE)
        printer.machine.start_print(printer.file())
        printer.machine.attention()
        await until(lambda: host.last.stage == "attention")
        with pytest.raises(CommandRejected, match="Operation you want can only be done"):
            await bridge.send(Command(Action.CANCEL))
