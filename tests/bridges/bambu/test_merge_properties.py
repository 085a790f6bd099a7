# Properties of the merge, on random reports of every shape and type
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Seeds are fixed, so a failure can be repeated; MOONFLEET_FUZZ multiplies the rounds."""

from __future__ import annotations

import copy
import json
import os
import random
from typing import Any

import pytest
from moonfleet.bridges.bambu.protocol import PrinterReports, Report, Version, parse
from moonfleet.bridges.bambu.protocol.fields import SCALARS, STRUCTURES
from moonfleet.core.model import PrinterSnapshot

from tests.emulators.bambu import MODELS
from tests.emulators.bambu import reports as shapes
from tests.emulators.bambu.machine import Job, Machine

ROUNDS = 40 * int(os.environ.get("MOONFLEET_FUZZ", "1"))
KEYS = [*SCALARS, *STRUCTURES]
INNER = (
    "id",
    "ams",
    "tray",
    "info",
    "temp",
    "extruder",
    "airduct",
    "parts",
    "state",
    "snow",
    "bed",
    "ctc",
    "nozzle",
    "tray_now",
    "tray_type",
    "tray_color",
    "remain",
    "humidity_raw",
    "dry_time",
    "dry_setting",
    "dry_temperature",
    "node",
    "mode",
    "attr",
    "code",
    "tray_exist_bits",
    "layer_num",
    "total_layer_num",
    "0",
)


def junk(rng: random.Random, depth: int = 0) -> Any:
    roll = rng.random()
    if depth < 5 and roll < 0.25:
        return {rng.choice(INNER): junk(rng, depth + 1) for _ in range(rng.randrange(6))}
    if depth < 5 and roll < 0.45:
        return [junk(rng, depth + 1) for _ in range(rng.randrange(6))]
    return rng.choice(
        [
            None, True, False, 0, 1, -1, 2**31, -(2**63), 10**40, 0.5, -273.15, 1e308, 65535, 65279,
            "", "0", "255", "-1", "RUNNING", "FAILED", "PAUSE", "1e9", "nan", "FFFFFFFF", "\x00\n",
            "<script>alert(1)</script>", "../../etc/passwd", "x" * 3000, "\ud800", "\u0663", "0x10",
            "1_0",
        ]
    )  # fmt: skip


def random_body(rng: random.Random) -> dict[str, Any]:
    return {rng.choice(KEYS): junk(rng) for _ in range(rng.randrange(12))}


def check(snapshot: PrinterSnapshot) -> None:
    """What holds for any snapshot whatever came in."""
    public = snapshot.to_json()
    text = json.dumps(public, allow_nan=False)
    assert len(text) < 200_000
    for heater in snapshot.heaters.values():
        for value in (heater.temperature, heater.target):
            assert value is None or -100.0 <= value <= 1000.0
    for share in snapshot.fans.values():
        assert 0.0 <= share <= 1.0
    if snapshot.job is not None:
        assert snapshot.job.progress is None or 0.0 <= snapshot.job.progress <= 1.0
        for name in (snapshot.job.name, snapshot.job.filename):
            assert name is None or (name.isprintable() and len(name) <= 255)
    for unit in snapshot.filament.units if snapshot.filament else ():
        assert unit.humidity is None or 0.0 < unit.humidity <= 100.0
        for slot in unit.slots:
            assert slot.remaining is None or 0.0 <= slot.remaining <= 1.0
            assert slot.color is None or (len(slot.color) == 6 and slot.color == slot.color.upper())
            int(slot.color or "0", 16)


@pytest.mark.parametrize("seed", range(25))
def test_any_report_leaves_a_valid_snapshot(seed: int) -> None:
    rng = random.Random(seed)
    reports = PrinterReports()
    for step in range(ROUNDS):
        body = random_body(rng)
        before = copy.deepcopy(body)
        snapshot = reports.report(body, rng.random() < 0.3, float(step))
        assert body == before or repr(body) == repr(before)  # the message is not written to
        assert snapshot is reports.snapshot
        check(snapshot)
        reports.modules([junk(rng) for _ in range(3)])


@pytest.mark.parametrize("seed", range(25))
def test_any_bytes_are_survived(seed: int) -> None:
    rng = random.Random(seed)
    reports = PrinterReports()
    good = json.dumps(
        {"print": {"command": "push_status", "msg": 0, **shapes.full(machine("H2D"), True, set())}}
    ).encode()
    for step in range(ROUNDS):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 30)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.3:
            del data[rng.randrange(len(data)) :]
        for message in parse(bytes(data)):
            if isinstance(message, Report):
                check(reports.report(message.body, message.full, float(step)))
            elif isinstance(message, Version):
                check(reports.modules(message.modules))


def machine(model: str) -> Machine:
    made = Machine(MODELS[model], speed=30.0)
    made.start(Job("part", "part.gcode", 4000.0, 100))
    return made


@pytest.mark.parametrize("model", sorted(MODELS))
@pytest.mark.parametrize("seed", range(4))
def test_full_plus_deltas_equals_full(model: str, seed: int) -> None:
    """Merging the deltas of a life yields what a full report at its end would."""
    rng = random.Random(seed)
    body = machine(model)
    empty: set[tuple[int, int]] = set()
    last = shapes.full(body, True, empty)
    merged = PrinterReports()
    merged.report(dict(last), True, 0.0)
    for step in range(1, ROUNDS):
        body.advance(rng.random() * 4)
        act(body, rng)
        now = shapes.full(body, True, empty)
        merged.report(shapes.delta(last, now, legacy=False), False, float(step))
        last = now
    fresh = PrinterReports()
    fresh.report(dict(last), True, float(ROUNDS))
    ours, theirs = merged.snapshot.to_json(), fresh.snapshot.to_json()
    # Who has followed a run knows why it ended, how far it got and where it came from.
    for known in (ours, theirs):
        job = known.pop("job") or {}
        known["job"] = {key: job.get(key) for key in ("name", "filename", "layers")}
        if known["state"] in ("cancelled", "error"):
            known["state"] = "ended"
    assert ours == theirs


def act(body: Machine, rng: random.Random) -> None:
    roll = rng.random()
    if roll < 0.05:
        body.pause()
    elif roll < 0.15:
        body.resume()
    elif roll < 0.18:
        body.stop()
    elif roll < 0.3:
        body.start(Job(f"part{rng.randrange(9)}", "x.gcode", 500.0, 50))
    elif roll < 0.4:
        body.hms = [(rng.randrange(1 << 32), rng.randrange(1 << 32))] if rng.random() < 0.5 else []
    elif roll < 0.5:
        body.speed_level = rng.randrange(1, 5)
    elif roll < 0.6:
        body.tray_now = rng.choice([0, 3, 254, 255])


@pytest.mark.parametrize("seed", range(10))
def test_a_delta_sent_twice_changes_nothing_more(seed: int) -> None:
    rng = random.Random(seed)
    reports = PrinterReports()
    reports.report(shapes.full(machine("X1C"), True, set()), True, 0.0)
    for step in range(ROUNDS):
        body = random_body(rng)
        once = reports.report(body, False, float(step))
        assert reports.report(body, False, float(step)) is once
