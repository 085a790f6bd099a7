# Commands: permission, capability, state, proof
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""An action is done when the printer's own state shows it, and is never sent twice."""

from __future__ import annotations

import asyncio

import pytest
from moonfleet.bridges.base import Connection, Link, PrinterSettings
from moonfleet.core.commands import Action, Command, Control, Verdict
from moonfleet.core.errors import AnswerLost, Forbidden, NotConnected, NotSupported, UnknownPrinter
from moonfleet.core.model import PrintState

from tests.unit.fleet.fakes import make_fleet, shot

PAUSE, RESUME, CANCEL = Command(Action.PAUSE), Command(Action.RESUME), Command(Action.CANCEL)


@pytest.fixture
async def printing():
    fleet, bridges = make_fleet("x1c")
    await fleet.start()
    bridges["x1c"].online(shot(PrintState.PRINTING))
    yield fleet, bridges["x1c"]
    await fleet.stop()


async def test_accepted_when_the_state_shows_it(printing):
    fleet, bridge = printing
    result = await fleet.command("x1c", PAUSE, "api")
    assert result.to_json() == {"result": "accepted", "reason": None, "state": "paused"}
    assert (await fleet.command("x1c", RESUME, "api")).verdict is Verdict.ACCEPTED
    assert (await fleet.command("x1c", CANCEL, "api")).state is PrintState.CANCELLED
    assert [command.action for command in bridge.sent] == [
        Action.PAUSE,
        Action.RESUME,
        Action.CANCEL,
    ]


async def test_unconfirmed_when_it_does_not_and_never_sent_again(printing):
    fleet, bridge = printing
    bridge.obeys = False
    result = await fleet.command("x1c", PAUSE, "api")
    assert result.verdict is Verdict.UNCONFIRMED
    assert result.reason == "the printer's state did not show it in time"
    assert result.state is PrintState.PRINTING
    assert len(bridge.sent) == 1


async def test_what_no_state_can_show_is_not_waited_for():
    fleet, bridges = make_fleet("x1c", control=Control.FULL)
    bridge = bridges["x1c"]
    bridge.obeys, bridge.confirm_timeout = False, 3600.0
    bridge.actions = frozenset({Action.GCODE})
    await fleet.start()
    bridge.online(shot())
    result = await fleet.command("x1c", Command(Action.GCODE, {"script": "G28"}), "api")
    await fleet.stop()
    assert result.verdict is Verdict.UNCONFIRMED
    assert result.reason == "the printer's state cannot show whether it worked"
    assert [command.action for command in bridge.sent] == [Action.GCODE]


async def test_a_lost_answer_is_unconfirmed_and_the_cancel_is_on_record(printing, monkeypatch):
    """The command went out: nobody may say that nothing was stopped, and its end is a cancel."""
    fleet, bridge = printing

    async def sent_but_cut(command: Command) -> None:
        bridge.sent.append(command)
        raise AnswerLost("the connection to the printer was lost; it may have obeyed")

    monkeypatch.setattr(bridge, "send", sent_but_cut)
    records = []
    fleet.listen_jobs(lambda record, action: records.append((action, record.status)))
    result = await fleet.command("x1c", CANCEL, "api")
    assert result.verdict is Verdict.UNCONFIRMED
    assert "may have obeyed" in (result.reason or "")
    bridge.host.on_snapshot(shot(PrintState.ERROR))
    assert ("finished", "cancelled") in records
    assert len(bridge.sent) == 1


async def test_unconfirmed_says_when_the_connection_was_lost(printing):
    fleet, bridge = printing
    bridge.obeys = False
    bridge.confirm_timeout = 5.0
    task = asyncio.ensure_future(fleet.command("x1c", PAUSE, "api"))
    await bridge.sending.wait()
    bridge.host.on_connection(Connection(Link.UNREACHABLE, "cable"))
    bridge.confirm_timeout = 0.01
    result = await task if task.done() else await asyncio.wait_for(task, 10)
    assert result.verdict is Verdict.UNCONFIRMED
    assert "connection was lost" in (result.reason or "")


async def test_rejected_with_the_printers_own_reason(printing):
    fleet, bridge = printing
    bridge.refuses = "developer mode is off"
    result = await fleet.command("x1c", PAUSE, "api")
    assert result.to_json() == {
        "result": "rejected",
        "reason": "developer mode is off",
        "state": "printing",
    }


@pytest.mark.parametrize(
    ("state", "command", "reason"),
    [
        (PrintState.STANDBY, PAUSE, "nothing is printing"),
        (PrintState.PAUSED, PAUSE, "nothing is printing"),
        (PrintState.PRINTING, RESUME, "nothing is paused"),
        (PrintState.COMPLETE, CANCEL, "no job is running"),
        (None, CANCEL, "no job is running"),
    ],
)
async def test_a_wrong_state_sends_nothing(printing, state, command, reason):
    fleet, bridge = printing
    bridge.host.on_snapshot(shot(state))
    result = await fleet.command("x1c", command, "api")
    assert (result.verdict, result.reason) == (Verdict.REJECTED, reason)
    assert bridge.sent == []


async def test_the_same_request_twice_is_sent_once(printing):
    fleet, bridge = printing
    bridge.obeys = False
    bridge.confirm_timeout = 10.0
    both = asyncio.gather(
        fleet.command("x1c", CANCEL, "api"), fleet.command("x1c", CANCEL, "panel")
    )
    await bridge.sending.wait()
    bridge.host.on_snapshot(shot(PrintState.CANCELLED))
    assert [result.verdict for result in await both] == [Verdict.ACCEPTED] * 2
    assert len(bridge.sent) == 1


async def test_a_caller_that_goes_away_cancels_nothing(printing):
    fleet, bridge = printing
    bridge.obeys = False
    bridge.confirm_timeout = 10.0
    caller = asyncio.ensure_future(fleet.command("x1c", PAUSE, "api"))
    await bridge.sending.wait()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    told: asyncio.Queue[str] = asyncio.Queue()
    fleet.listen_events(lambda event: told.put_nowait(event["type"]))
    bridge.host.on_snapshot(shot(PrintState.PAUSED))
    while await told.get() != "action_confirmed":
        pass


async def test_a_refusal_names_the_option_that_would_permit_it():
    fleet, bridges = make_fleet("x1c", control=Control.JOBS)
    fleet.add(PrinterSettings("closed", "fake", "C", control=Control.NONE), type(bridges["x1c"]))
    await fleet.start()
    for member in fleet._members.values():
        member.bridge.online(shot(PrintState.PRINTING))
    with pytest.raises(Forbidden, match=r"'control: full' in \[moonfleet x1c\] would permit it"):
        await fleet.command("x1c", Command(Action.TEMPERATURE), "api")
    with pytest.raises(Forbidden, match=r"'control: jobs' in \[moonfleet closed\]"):
        await fleet.command("closed", PAUSE, "api")
    assert fleet.printer("closed").capabilities() == []
    await fleet.stop()


async def test_what_the_type_cannot_do_is_not_supported(printing):
    fleet, bridge = printing
    with pytest.raises(NotSupported, match="cannot do 'dry'"):
        await fleet.command("x1c", Command(Action.DRY), "api")
    assert bridge.sent == []


async def test_nothing_is_sent_or_queued_while_offline(printing):
    fleet, bridge = printing
    bridge.host.on_connection(Connection(Link.AUTH_FAILED, "the access code is wrong"))
    with pytest.raises(NotConnected, match="the access code is wrong"):
        await fleet.command("x1c", PAUSE, "api")
    bridge.online(shot(PrintState.PRINTING))
    assert bridge.sent == []


async def test_unknown_and_broken_printers():
    fleet, _ = make_fleet()
    fleet.add_broken(PrinterSettings("x1c", "bambu", "X"), "[moonfleet x1c] option 'host': missing")
    with pytest.raises(NotConnected, match="option 'host': missing"):
        await fleet.command("x1c", PAUSE, "api")
    with pytest.raises(UnknownPrinter):
        await fleet.command("nope", PAUSE, "api")


async def test_a_cancel_of_ours_makes_a_cancelled_job():
    fleet, bridges = make_fleet("x1c")
    await fleet.start()
    ends: list[str] = []
    fleet.listen_jobs(lambda record, action: ends.append(record.status))
    bridges["x1c"].online(shot())
    bridges["x1c"].host.on_snapshot(shot(PrintState.PRINTING))
    await fleet.command("x1c", CANCEL, "api")
    await fleet.stop()
    assert ends[-1] == "cancelled"
