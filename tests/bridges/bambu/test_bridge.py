# The bridge against the emulated printer: connecting, reports, commands
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Everything over a real socket with real TLS."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from moonfleet.bridges.base import Link, bridge_types
from moonfleet.core.commands import Action, Command
from moonfleet.core.errors import CommandRejected, NotConnected, NotSupported
from moonfleet.core.model import Accepts, PrintState
from moonfleet.core.proofs import confirmed

from tests.emulators.bambu import MODELS

from .conftest import World
from .helpers import RecordingHost, make_bridge, online, until


async def printing(world: World, model: str = "P1S", **options: Any) -> Any:
    printer = await world.printer(model, speed=200.0, job_seconds=100_000.0, **options)
    printer.start_job("Benchy")
    bridge, host = await world.bridge(printer)
    await until(lambda: host.snapshot.stage == "printing")
    return printer, bridge, host


def test_type_is_registered() -> None:
    kind = bridge_types()["bambu"]
    assert kind.default_port == 8883
    assert kind.tls_modes == ("verify", "pin", "insecure")


@pytest.mark.parametrize("model", sorted(MODELS))
async def test_every_emulated_model_comes_online(world: World, model: str) -> None:
    printer = await world.printer(model)
    _, host = await world.bridge(printer)
    await online(host)
    snapshot = host.snapshot
    assert snapshot.state is PrintState.STANDBY
    assert snapshot.model == ("X1 Carbon" if model == "X1C" else model)
    assert snapshot.heaters["extruder"].temperature == pytest.approx(24.0)
    assert ("extruder1" in snapshot.heaters) == (printer.model.nozzles == 2)
    assert ("chamber" in snapshot.heaters) == (printer.model.chamber != "none")
    assert snapshot.filament is not None
    assert [unit.id for unit in snapshot.filament.units] == [u.id for u in printer.model.ams]
    kinds = {1: "AMS", 2: "AMS Lite", 3: "AMS 2 Pro", 4: "AMS HT", 5: "AMS Lite"}
    assert [u.kind for u in snapshot.filament.units] == [kinds[u.type] for u in printer.model.ams]
    assert all(slot.present for unit in snapshot.filament.units for slot in unit.slots)
    assert snapshot.accepts_commands is (Accepts.YES if printer.model.fun_base else Accepts.UNKNOWN)


@pytest.mark.parametrize("model", ["P1S", "X1C", "H2D"])
async def test_a_print_from_start_to_end(world: World, model: str) -> None:
    printer = await world.printer(model, speed=400.0, job_seconds=400.0)
    _, host = await world.bridge(printer)
    await online(host)
    printer.start_job("Benchy")
    await until(lambda: host.snapshot.stage == "printing")
    job = host.snapshot.job
    assert job is not None and job.name == "Benchy" and job.layers == 120
    assert host.snapshot.heaters["extruder"].target == 220.0
    await until(lambda: host.snapshot.state is PrintState.COMPLETE)
    await until(lambda: host.snapshot.heaters["extruder"].target == 0.0)
    states = [s.state for s in host.snapshots]
    order = [s for i, s in enumerate(states) if i == 0 or states[i - 1] is not s]
    wanted = [PrintState.STANDBY, PrintState.PRINTING, PrintState.COMPLETE]
    # newer models show the new name under the old state's FINISH first
    assert [s for s in order if s is not PrintState.COMPLETE] + [order[-1]] == wanted


@pytest.mark.parametrize("model", ["P1S", "P2S", "H2D"])
async def test_pause_resume_cancel(world: World, model: str) -> None:
    printer, bridge, host = await printing(world, model)
    await bridge.send(Command(Action.PAUSE))
    await until(lambda: host.snapshot.state is PrintState.PAUSED)
    await bridge.send(Command(Action.RESUME))
    await until(lambda: host.snapshot.state is PrintState.PRINTING)
    await bridge.send(Command(Action.CANCEL))
    await until(lambda: host.snapshot.state is PrintState.CANCELLED)
    assert host.snapshot.job_report.cancel_echo
    assert PrintState.ERROR not in {snapshot.state for snapshot in host.snapshots}
    assert [c for c in printer.commands() if c in ("pause", "resume", "stop")] == [
        "pause",
        "resume",
        "stop",
    ]


@pytest.mark.parametrize(
    ("action", "params"),
    [
        (Action.SPEED, {"factor": 1.24}),
        (Action.LIGHT, {"name": "chamber_light", "mode": "off"}),
        (Action.TEMPERATURE, {"heater": "heater_bed", "target": 45.0}),
        (Action.TEMPERATURE, {"heater": "extruder1", "target": 180.0}),
        (Action.TEMPERATURE, {"heater": "chamber", "target": 50.0}),
    ],
)
async def test_commands_that_the_state_proves(world: World, action: Action, params: Any) -> None:
    _, bridge, host = await printing(world, "H2D")
    command, before = Command(action, params), host.snapshot
    assert not confirmed(command, before, before)
    await bridge.send(command)
    await until(lambda: confirmed(command, before, host.snapshot))


async def test_other_commands_reach_the_machine_and_are_proved(world: World) -> None:
    printer = await world.printer("H2D")
    bridge, host = await world.bridge(printer)
    await online(host)
    machine = printer.machine

    async def proved(action: Action, **params: Any) -> None:
        command, before = Command(action, params), host.snapshot
        assert not confirmed(command, before, before)
        await bridge.send(command)
        await until(lambda: confirmed(command, before, host.snapshot))

    await proved(Action.FAN, name="aux", speed=0.6)
    assert host.snapshot.fans["aux"] == 0.6
    await proved(Action.LOAD_FILAMENT, unit=0, slot=2, temperature=230)
    assert host.snapshot.filament.active == {"extruder": (0, 2)}
    await proved(Action.UNLOAD_FILAMENT)
    assert host.snapshot.filament.active == {}
    await proved(Action.DRY, unit=128, hours=8, temperature=65)
    assert host.snapshot.filament.units[1].drying.temperature == 65.0
    await proved(Action.DRY, unit=128, hours=0)
    await proved(Action.SET_FILAMENT, unit=0, slot=1, material="abs", color="12ab34")
    slot = host.snapshot.filament.units[0].slots[1]
    assert (slot.material, slot.color) == ("ABS", "12AB34")
    await proved(Action.GCODE, script="M104 S150\nM140 S40")
    assert (machine.nozzles[0].target, machine.bed.target) == (150.0, 40.0)
    machine.print_error = 0x0300_8015
    await until(lambda: host.snapshot.faults)
    await proved(Action.CLEAR_ERROR)
    assert not host.snapshot.faults


async def test_start_of_a_file_on_the_printer(world: World) -> None:
    printer = await world.printer("X1C", speed=200.0, job_seconds=100_000.0)
    bridge, host = await world.bridge(printer)
    await online(host)
    await bridge.send(
        Command(
            Action.START,
            {
                "filename": "cache/Cable clip.gcode.3mf",
                "plate": 2,
                "ams_mapping": [0, -1, 5],
                "timelapse": "true",
                "bed_leveling": False,
                "nozzle_offset_cali": "2",
                "auto_bed_leveling": 0,
                "nozzle_mapping": [0, -1, 1],
            },
        )
    )
    await until(lambda: host.snapshot.state is PrintState.PRINTING)
    body = next(b for g, b in printer.requests if b.get("command") == "project_file")
    assert body["param"] == "Metadata/plate_2.gcode"
    assert body["url"] == "ftp:///cache/Cable clip.gcode.3mf"
    assert (body["use_ams"], body["timelapse"], body["bed_leveling"]) == (True, True, False)
    assert (body["nozzle_offset_cali"], body["auto_bed_leveling"]) == (2, 0)
    assert body["nozzle_mapping"] == [0, -1, 1] and "extrude_cali_flag" not in body
    assert body["ams_mapping2"][1] == {"ams_id": 255, "slot_id": 255}
    assert host.snapshot.job is not None and host.snapshot.job.name == "Cable clip"
    assert int(body["subtask_id"]) > 0  # names this run, even of the same file
    assert str(host.snapshot.job_report.identity).startswith(body["subtask_id"])
    skip, before = Command(Action.SKIP_OBJECTS, {"objects": [17]}), host.snapshot
    assert not confirmed(skip, before, before)
    await bridge.send(skip)
    await until(lambda: confirmed(skip, before, host.snapshot))
    assert printer.machine.skipped == [17]
    with pytest.raises(CommandRejected, match="busy with another job"):
        await bridge.send(Command(Action.START, {"filename": "other.3mf"}))


@pytest.mark.parametrize(
    ("action", "params"),
    [
        (Action.SPEED, {"factor": 1.1}),
        (Action.SPEED, {}),
        (Action.LIGHT, {"name": "disco", "mode": "on"}),
        (Action.LIGHT, {"name": "chamber_light", "mode": "blue"}),
        (Action.START, {"filename": "../secret.3mf"}),
        (Action.START, {"filename": "a\nb.3mf"}),
        (Action.START, {"filename": 3}),
        (Action.START, {"filename": "a.3mf", "plate": 0}),
        (Action.START, {"filename": "a.3mf", "timelapse": "perhaps"}),
        (Action.START, {"filename": "a.3mf", "ams_mapping": [1.5]}),
        (Action.START, {"filename": "a.3mf", "nozzle_mapping": "0,1"}),
        (Action.START, {"filename": "a.3mf", "nozzle_offset_cali": 3}),
        (Action.START, {"filename": "a.3mf", "extrude_cali_flag": "auto"}),
        (Action.TEMPERATURE, {"heater": "extruder", "target": 900}),
        (Action.TEMPERATURE, {"heater": "extruder", "target": float("nan")}),
        (Action.TEMPERATURE, {"heater": "chamber", "target": 40}),
        (Action.FAN, {"name": "heatbreak", "speed": 1}),
        (Action.FAN, {"name": "part", "speed": 2}),
        (Action.SKIP_OBJECTS, {"objects": "all"}),
        (Action.LOAD_FILAMENT, {"unit": 7, "slot": 0}),
        (Action.DRY, {"unit": 0, "hours": 4, "temperature": 55}),
        (Action.SET_FILAMENT, {"unit": 0, "slot": 0, "material": "cheese", "color": "FFFFFF"}),
        (Action.SET_FILAMENT, {"unit": 0, "slot": 0, "material": "PLA", "color": "red"}),
        (Action.CLEAR_ERROR, {}),
        (Action.GCODE, {"script": "M500"}),
        (Action.GCODE, {"script": "G28 X"}),
        (Action.GCODE, {"script": "M104 S200; M112"}),
        (Action.GCODE, {"script": "\n".join(["M106 S0"] * 20)}),
        (Action.GCODE, {}),
    ],
)
async def test_senseless_commands_never_leave_the_house(
    world: World, action: Action, params: Any
) -> None:
    printer = await world.printer("P1S")
    bridge, host = await world.bridge(printer)
    await online(host)
    with pytest.raises(CommandRejected):
        await bridge.send(Command(action, params))
    assert printer.commands() == ["get_version"]


async def test_unknown_actions_are_not_supported(world: World) -> None:
    bridge, host = await world.bridge(await world.printer())
    await online(host)
    with pytest.raises(NotSupported):
        await bridge.send(Command(Action.SET_READY))


async def test_nothing_is_queued_while_offline(world: World) -> None:
    printer, bridge, host = await printing(world)
    await printer.offline()
    await until(lambda: host.link is Link.REFUSED)
    with pytest.raises(NotConnected):
        await bridge.send(Command(Action.CANCEL))
    await printer.online()
    await online(host)
    assert "stop" not in printer.commands()
    assert host.snapshot.state is PrintState.PRINTING


async def test_the_printers_no_is_told_in_its_words(world: World) -> None:
    printer = await world.printer()
    bridge, host = await world.bridge(printer)
    await online(host)
    with pytest.raises(CommandRejected, match="not printing"):
        await bridge.send(Command(Action.PAUSE))


async def test_developer_mode_off_is_named(world: World) -> None:
    printer, bridge, host = await printing(world, "X1C")
    printer.faults.developer_mode = False
    await until(lambda: host.snapshot.accepts_commands is Accepts.NO)
    with pytest.raises(CommandRejected, match="developer mode"):
        await bridge.send(Command(Action.PAUSE))
    assert "pause" not in printer.commands()
    await bridge.send(Command(Action.LIGHT, {"name": "chamber_light", "mode": "off"}))
    await until(lambda: host.snapshot.lights["chamber_light"] == "off")


async def test_developer_mode_is_learned_where_the_printer_does_not_tell(world: World) -> None:
    printer, bridge, host = await printing(world, "P1S")
    assert host.snapshot.accepts_commands is Accepts.UNKNOWN
    await bridge.send(Command(Action.PAUSE))
    await until(lambda: host.snapshot.accepts_commands is Accepts.YES)
    printer.faults.developer_mode = False
    await bridge.send(Command(Action.RESUME))  # dropped, and told by an HMS code
    await until(lambda: host.snapshot.accepts_commands is Accepts.NO)
    with pytest.raises(CommandRejected, match="developer mode"):
        await bridge.send(Command(Action.RESUME))


async def test_one_connection_and_a_clean_end(world: World) -> None:
    printer = await world.printer()
    bridge, host = await world.bridge(printer)
    await online(host)
    await until(lambda: len(printer.server.clients) == 1)
    await bridge.stop()
    await until(lambda: printer.server.clean_ends == 1)
    assert printer.server.connects == 1
    await bridge.stop()  # twice does no harm


async def test_an_unreachable_name_is_told(world: World) -> None:
    printer = await world.printer()
    _, host = await world.bridge(printer, host="printer..local")
    await until(lambda: host.link is Link.UNREACHABLE)
    assert "option host" in host.message


# -- trust ---------------------------------------------------------------------------------


async def test_missing_paho_is_this_printers_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    _, host = await world.bridge(await world.printer())
    await until(lambda: host.link is Link.CONFIG_ERROR)
    assert "paho-mqtt" in host.message


async def test_the_constructor_does_no_io() -> None:
    class Nowhere:
        host, port, serial, access_code = "192.0.2.1", 8883, "01P00A000000001", "x"

    host = RecordingHost()
    bridge = make_bridge(Nowhere(), host)
    await asyncio.sleep(0)
    assert host.connections == []
    await bridge.stop()
