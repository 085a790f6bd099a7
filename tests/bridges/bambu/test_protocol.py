# Rules of the protocol, one by one, on messages made for the purpose
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The facts behind each are in docs/bambu.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moonfleet.bridges.bambu.protocol import Answer, PrinterReports, Report, Version, parse
from moonfleet.core.model import Accepts

from .talk import Talk


def one(document: Any) -> Any:
    messages = parse(json.dumps(document).encode())
    return messages[0] if messages else None


# -- envelope ------------------------------------------------------------------------------


def test_answers_are_kept_out_of_the_state() -> None:
    answer = one(
        {
            "print": {
                "command": "gcode_line",
                "result": "SUCCESS",
                "sequence_id": "7",
                "gcode_state": "FAILED",
            }
        }
    )
    assert isinstance(answer, Answer)
    assert answer.success and answer.sequence_id == "7"
    # an answer may lack its command
    assert isinstance(
        one({"print": {"result": "fail", "reason": "no", "gcode_state": "X"}}), Answer
    )
    # other programs' queries echo telemetry keys without a result
    assert one({"print": {"command": "extrusion_cali_get", "nozzle_diameter": "0.4"}}) is None


def test_full_and_delta() -> None:
    assert one({"print": {"command": "push_status", "msg": 0}}).full
    assert not one({"print": {"command": "push_status", "msg": 1}}).full
    assert not one({"print": {"command": "push_status", "gcode_state": "IDLE"}}).full
    many = {f"k{i}": i for i in range(45)}
    assert one({"print": {"command": "push_status", **many}}).full
    assert isinstance(one({"print": {"nozzle_temper": 20}}), Report)


def test_version_answer_may_carry_a_result() -> None:
    message = one({"info": {"command": "get_version", "module": [], "result": "success"}})
    assert isinstance(message, Version)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"print": []}',
        b'{"print": 1e999}',
        b"\xff\xfe",
        b'{"print": {"command": "push_status", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"print": {"command": "push_status", "x": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}}",
        b'{"print": {"command": "push_status", "x": ['
        + b"[[]]," * 900
        + b"[" * 30
        + b"]" * 30
        + b"]}}",
        b'{"print": {"a": "' + b"x" * (1 << 20) + b'"}}',
        b'{"print": {"command": "push_status", "mc_percent": ' + b"9" * 5000 + b"}}",
    ],
)
def test_unusable_payloads_yield_nothing(payload: bytes) -> None:
    assert parse(payload) == []


def test_trailing_nul_and_bad_utf8_are_survived() -> None:
    (message,) = parse(b'{"print": {"command": "push_status", "subtask_name": "a\xffb"}}\0')
    assert message.body["subtask_name"] == "a\ufffdb"


# -- merging -------------------------------------------------------------------------------


def test_a_full_report_is_a_new_base() -> None:
    talk = Talk()
    talk.full(gcode_state="IDLE", nozzle_temper=30.5, spd_mag=124, lights_report=[])
    snapshot = talk.full(gcode_state="IDLE", bed_temper=20)
    assert "extruder" not in snapshot.heaters
    assert snapshot.speed_factor is None
    assert snapshot.heaters["heater_bed"].temperature == 20.0


@pytest.mark.parametrize("junk", [None, [], {}, "hot", True, float("inf"), 1e300, -5000, "1" * 99])
def test_a_wrong_type_leaves_what_was_known(junk: Any) -> None:
    talk = Talk()
    before = talk.full(
        gcode_state="RUNNING",
        nozzle_temper=210,
        mc_percent=40,
        ams={"tray_now": "1", "ams": [{"id": "0", "tray": [{"id": "1", "tray_type": "PLA"}]}]},
        device={"bed": {"info": {"temp": 60 << 16 | 59}}, "extruder": {"info": [{"id": 0}]}},
    )
    body = dict.fromkeys(
        ("nozzle_temper", "mc_percent", "ams", "device", "hms", "lights_report", "vir_slot"), junk
    )
    if junk not in ([], {}):
        assert talk.delta(**body) == before
    nested = {
        "ams": {"ams": [junk, {"id": junk}], "tray_now": junk},
        "device": {"bed": junk, "extruder": junk, "airduct": {"parts": junk}, "nozzle": junk},
    }
    assert talk.delta(**nested).heaters == before.heaters


def test_keyed_lists_update_by_id_and_full_reports_remove() -> None:
    talk = Talk()
    trays = [{"id": str(i), "tray_type": "PLA", "state": 11} for i in range(4)]
    talk.full(ams={"ams": [{"id": "0", "tray": trays}, {"id": "1", "tray": trays}]})
    snapshot = talk.delta(
        ams={"ams": [{"id": "1", "tray": [{"id": "2", "tray_type": "ABS", "state": 11}]}]}
    )
    assert snapshot.filament is not None
    materials = [[slot.material for slot in unit.slots] for unit in snapshot.filament.units]
    assert materials == [["PLA"] * 4, ["PLA", "PLA", "ABS", "PLA"]]
    # only scalars: the arrays stay
    snapshot = talk.delta(ams={"tray_now": "5"})
    assert snapshot.filament is not None
    assert len(snapshot.filament.units) == 2
    assert snapshot.filament.active == {"extruder": (1, 1)}
    snapshot = talk.full(ams={"ams": [{"id": "1", "tray": trays}]})
    assert snapshot.filament is not None
    assert [unit.id for unit in snapshot.filament.units] == [1]


def test_an_emptied_slot_loses_its_filament() -> None:
    talk = Talk()
    full = {"id": "0", "tray_type": "PLA", "tray_color": "FF0000FF", "remain": 50, "state": 11}
    talk.full(ams={"ams": [{"id": "0", "tray": [full]}]})
    snapshot = talk.delta(ams={"ams": [{"id": "0", "tray": [{"id": "0", "state": 10}]}]})
    assert snapshot.filament is not None
    slot = snapshot.filament.units[0].slots[0]
    assert (slot.present, slot.material, slot.color, slot.remaining) == (False, None, None, None)
    # the state alone of a slot that stays full keeps it
    talk.delta(ams={"ams": [{"id": "0", "tray": [full]}]})
    snapshot = talk.delta(ams={"ams": [{"id": "0", "tray": [{"id": "0", "state": 27}]}]})
    assert snapshot.filament is not None
    assert snapshot.filament.units[0].slots[0].material == "PLA"


@pytest.mark.parametrize(
    ("unit", "slot", "bit"), [(0, 3, 3), (2, 1, 9), (128, 0, 16), (130, 0, 18), (16, 2, 26)]
)
def test_presence_bits(unit: int, slot: int, bit: int) -> None:
    talk = Talk()
    tray = {"id": str(slot), "tray_type": "PLA"}
    for bits, present in ((1 << bit, True), (~(1 << bit) & 0xFFFFFFFF, False)):
        snapshot = talk.full(
            ams={"ams": [{"id": str(unit), "tray": [tray]}], "tray_exist_bits": f"{bits:x}"}
        )
        assert snapshot.filament is not None
        assert snapshot.filament.units[0].slots[0].present is present


def test_bits_that_do_not_know_a_unit_say_nothing_of_its_slots() -> None:
    tray = {"id": "0", "tray_type": "PLA", "tray_color": "F7D959FF"}
    unit = {"id": "128", "tray": [tray, {"id": "1"}]}
    snapshot = Talk().full(ams={"ams": [unit], "ams_exist_bits": "1", "tray_exist_bits": "f"})
    assert snapshot.filament is not None
    assert [slot.present for slot in snapshot.filament.units[0].slots] == [True, False]
    snapshot = Talk().full(ams={"ams": [unit], "ams_exist_bits": "10", "tray_exist_bits": "f"})
    assert snapshot.filament is not None
    assert [slot.present for slot in snapshot.filament.units[0].slots] == [False, False]


def test_no_growth_without_end() -> None:
    talk = Talk()
    for n in range(2000):
        talk.delta(
            ams={"ams": [{"id": n, "tray": [{"id": n, "tray_type": "x"}]}]},
            device={
                "airduct": {"parts": [{"id": n, "state": 1}]},
                "extruder": {"info": [{"id": n}]},
            },
            **{f"key{n}": n},
        )
    assert len(repr(talk.reports.facts)) < 2000
    assert talk.reports.snapshot.filament is not None
    assert len(talk.reports.snapshot.filament.units) <= 24


# -- sources -------------------------------------------------------------------------------


def test_chamber_of_five_is_no_sensor_unless_the_model_has_one() -> None:
    assert "chamber" not in Talk().full(chamber_temper=5).heaters
    assert "chamber" not in Talk("P1S").full(chamber_temper=21).heaters
    assert Talk("X1E").full(chamber_temper=5).heaters["chamber"].temperature == 5.0
    assert Talk().full(chamber_temper=31).heaters["chamber"].temperature == 31.0


def test_two_nozzles_never_take_the_legacy_keys() -> None:
    infos = [{"id": 0, "temp": 264 << 0 | 225 << 16}, {"id": 1, "temp": 40}]
    talk = Talk()
    talk.full(device={"extruder": {"info": infos}}, nozzle_temper=40, nozzle_target_temper=0)
    snapshot = talk.delta(nozzle_temper=99)
    assert snapshot.heaters["extruder"].temperature == 264.0
    assert snapshot.heaters["extruder"].target == 225.0
    assert snapshot.heaters["extruder1"].temperature == 40.0


def test_one_nozzle_follows_the_source_that_moves() -> None:
    talk = Talk()
    talk.full(
        nozzle_temper=26.0,
        nozzle_target_temper=0.0,
        bed_temper=23.0,
        device={"extruder": {"info": [{"id": 0, "temp": 26}]}, "bed_temp": 23},
    )
    snapshot = talk.delta(nozzle_temper=31.0, bed_temper=24.0)
    assert snapshot.heaters["extruder"].temperature == 31.0
    assert snapshot.heaters["heater_bed"].temperature == 24.0
    snapshot = talk.delta(device={"extruder": {"info": [{"id": 0, "temp": 33}]}, "bed_temp": 25})
    assert snapshot.heaters["extruder"].temperature == 33.0
    assert snapshot.heaters["heater_bed"].temperature == 25.0


def test_x1plus_keeps_its_nozzle_elsewhere() -> None:
    snapshot = Talk().full(device={"nozzle": {"0": {"temp": 14418139}, "info": 7}})
    assert snapshot.heaters["extruder"].temperature == 219.0
    assert snapshot.heaters["extruder"].target == 220.0


def test_airduct_before_fan_steps() -> None:
    parts = [{"id": 16, "state": 40}, {"id": 96, "state": 100}, {"id": 160, "state": 30}]
    snapshot = Talk().full(cooling_fan_speed="15", device={"airduct": {"parts": parts}})
    assert snapshot.fans == {"part": 0.4, "aux": 0.3}


@pytest.mark.parametrize(
    ("snow", "place"),
    [
        (0xFFFF, {}),
        (0xFEFF, {}),
        (0xFF00, {"extruder": (None, 0)}),
        (0xFE00, {"extruder": (None, 1)}),
        (0x8000, {"extruder": (128, 0)}),
        (0x0103, {"extruder": (1, 3)}),
    ],
)
def test_what_feeds_the_nozzle_is_read_from_the_nozzle(snow: int, place: Any) -> None:
    snapshot = Talk().full(
        ams={"tray_now": "0"}, device={"extruder": {"info": [{"id": 0, "temp": 20, "snow": snow}]}}
    )
    assert (snapshot.filament.active if snapshot.filament else {}) == place


@pytest.mark.parametrize(
    ("now", "place"), [("255", {}), ("254", {"extruder": (None, 0)}), ("6", {"extruder": (1, 2)})]
)
def test_tray_now(now: str, place: Any) -> None:
    snapshot = Talk().full(ams={"tray_now": now})
    assert (snapshot.filament.active if snapshot.filament else {}) == place


def test_external_spools_have_sides() -> None:
    slots = [
        {"id": "254", "tray_type": "PLA", "tray_color": "00FF00FF"},
        {"id": "255", "tray_type": "ABS", "tray_color": "0000FFFF"},
    ]
    snapshot = Talk().full(vir_slot=slots, vt_tray={"id": "255", "tray_type": "no"})
    assert snapshot.filament is not None
    assert [(s.index, s.material) for s in snapshot.filament.external] == [(0, "ABS"), (1, "PLA")]


# -- developer mode ------------------------------------------------------------------------


def test_developer_mode() -> None:
    assert Talk().full().accepts_commands is Accepts.UNKNOWN
    assert Talk().full(fun="41AFFF9CFF").accepts_commands is Accepts.NO
    assert Talk().full(fun="4023FF18FFF9CB3").accepts_commands is Accepts.YES
    assert Talk().full(fun="418FFF9CFF").accepts_commands is Accepts.YES
    hms = [{"attr": 0x05000500, "code": 0x00010007}]
    assert Talk().full(hms=hms).accepts_commands is Accepts.NO
    talk = Talk()
    assert talk.reports.learn_accepts(Accepts.YES).accepts_commands is Accepts.YES


def test_names_are_cleaned() -> None:
    snapshot = Talk().full(gcode_state="RUNNING", subtask_name="a\nb\x1b[31m" + "x" * 5000)
    assert snapshot.job is not None and snapshot.job.name is not None
    assert snapshot.job.name.isprintable()
    assert len(snapshot.job.name) <= 255


def test_an_equal_report_yields_the_same_snapshot_object() -> None:
    talk = Talk()
    body = {"gcode_state": "RUNNING", "nozzle_temper": 20, "ams": {"ams": [{"id": "0"}]}}
    first = talk.full(**body)
    assert talk.full(1.0, **body) is first
    assert talk.delta(2.0, nozzle_temper=20, wifi_signal="-40dBm") is first
    second = talk.delta(3.0, nozzle_temper=21)
    assert second is not first
    assert second.filament is first.filament


@pytest.mark.parametrize(
    ("module", "model"),
    [
        ({"name": "ota", "product_name": "Bambu Lab P1S"}, "P1S"),
        ({"name": "ota", "product_name": "Bambu Lab X1-Carbon"}, "X1 Carbon"),
        ({"name": "ota", "product_name": "Bambu Lab H2D Pro"}, "H2D Pro"),
        ({"name": "ota", "project_name": "N2S"}, "A1"),
        ({"name": "mc", "project_name": "C11"}, "P1P"),
        ({"name": "ap", "hw_ver": "AP02"}, "X1E"),
        ({"name": "mc", "project_name": "P1"}, None),
        ({"name": "rv1126", "hw_ver": "AP05"}, "X1 Carbon"),
        ({"name": "esp32", "hw_ver": "AP05"}, None),
        ({"name": "ota", "sw_ver": "1"}, None),
    ],
)
def test_model(module: dict[str, Any], model: str | None) -> None:
    family = {"name": "th", "project_name": "P1"}  # a board that several models share
    assert PrinterReports().modules([module, 7, {"name": 3}, family]).model == model
