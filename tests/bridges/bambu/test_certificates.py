# The bridge and the printer's certificate: right, foreign, changed, expired
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Over real TLS; no access code leaves before the certificate is accepted."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from moonfleet.bridges.bambu import trust
from moonfleet.bridges.base import Link

from tests.emulators.bambu import Faults

from .conftest import World
from .helpers import RecordingHost, online, until


async def test_verify_with_the_right_and_the_wrong_ca(world: World, tmp_path: Any) -> None:
    printer = await world.printer()
    ca = printer.write_ca(tmp_path / "ca.pem")
    _, host = await world.bridge(printer, ca_file=str(ca))
    await online(host)
    stranger = await world.printer("A1", generation=7)
    _, host = await world.bridge(stranger, tls="verify", ca_file=str(ca))
    await until(lambda: host.link is Link.TLS_ERROR)
    assert "ca_file" in host.message
    assert stranger.server.connects == 0


async def test_expired_is_told_apart(world: World, tmp_path: Any) -> None:
    printer = await world.printer(faults=Faults(expired=True))
    ca = printer.write_ca(tmp_path / "ca.pem")
    _, host = await world.bridge(printer, ca_file=str(ca))
    await until(lambda: host.link is Link.TLS_ERROR)
    assert "out of date" in host.message


async def test_a_pin_does_not_look_at_dates(world: World) -> None:
    """Printers and hosts without internet have no clock; the pin itself names the printer."""
    printer = await world.printer(faults=Faults(expired=True))
    _, host = await world.bridge(printer)
    await online(host)
    assert host.stored["tls_pin"] is not None


@pytest.mark.parametrize("ca", ["/nowhere.pem", None, "empty"])
async def test_unusable_ca_file(world: World, ca: Any, tmp_path: Any) -> None:
    if ca == "empty":
        ca = tmp_path / "empty.pem"
        ca.write_text("no certificate")
    printer = await world.printer()
    _, host = await world.bridge(printer, tls="verify", ca_file=ca and str(ca))
    await until(lambda: host.link is Link.CONFIG_ERROR)
    assert "ca_file" in host.message


@pytest.mark.parametrize("mode", ["pin", "verify"])
async def test_another_serial_never_gets_the_access_code(
    world: World, mode: str, tmp_path: Any
) -> None:
    printer = await world.printer()
    ca = printer.write_ca(tmp_path / "ca.pem")
    _, host = await world.bridge(
        printer, serial="01P00A000000002", tls=mode, ca_file=str(ca) if mode == "verify" else None
    )
    await until(lambda: host.link is Link.TLS_ERROR)
    assert "another device" in host.message
    await until(lambda: len(printer.server.clients) == 0)
    assert printer.server.connects == 0


async def test_a_changed_certificate_is_refused_until_pinned_again(world: World) -> None:
    printer = await world.printer()
    bridge, host = await world.bridge(printer)
    await online(host)
    pinned = dict(host.stored)
    await printer.new_certificate()
    connects = printer.server.connects
    await until(lambda: host.link is Link.TLS_ERROR)
    assert "not the one remembered" in host.message
    assert host.stored == pinned
    assert printer.server.connects == connects
    await bridge.repin()
    await until(lambda: host.link is Link.ONLINE)
    assert host.stored != pinned


async def test_the_pin_survives_a_restart(world: World) -> None:
    printer = await world.printer()
    bridge, host = await world.bridge(printer)
    await online(host)
    await bridge.stop()
    again = RecordingHost()
    again.stored = host.stored
    await printer.new_certificate()
    _, again = await world.bridge(printer, bridge_host=again)
    await until(lambda: again.link is Link.TLS_ERROR)


async def test_insecure_connects_to_anything_and_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    printer = await world.printer(faults=Faults(foreign=True))
    _, host = await world.bridge(printer, tls="insecure")
    await online(host)
    assert sum("insecure" in record.message for record in caplog.records) == 1


def test_one_context_for_all_and_none_for_strangers() -> None:
    first = trust.Trust("pin", "A").context()
    assert trust.Trust("insecure", "B").context() is first
    assert first.verify_mode is ssl.CERT_NONE
