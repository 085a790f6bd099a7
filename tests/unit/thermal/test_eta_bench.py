# The accuracy bench itself, on a small synthetic trace set
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Reading the trace format, prequential counting, weights, and the shape of the JSON."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pytest
from heater_eta.thermal.types import HeaterKind

from tests.bench.eta_metrics import quantile, select, summary
from tests.bench.eta_replay import replay_heater
from tests.bench.eta_traces import load

from .plant import HOTEND, THIN_BED, Plant

HEADER = """
    file printer set source source_path kinematics bed_x_mm bed_y_mm heater kind start_c target_c
    prev_target_c reached_s ready_s duration_s end next_target pid_calibrate n dt_median dt_max
    control pid_kp pid_ki pid_kd max_power smooth_time max_delta sensor_type
""".split()  # noqa: SIM905


def record(folder, name, spec, target, seconds, seed, start=23.0, calibrating=False):
    """One episode as it would have been cut out of a klippy.log; its row of the index."""
    plant = Plant(spec, seed=seed)
    plant.soak(start)
    if target == 0.0:
        plant.target = start
    rows = [(s.time, s) for s in plant.run(20.0, 1.0)]
    zero = plant.time
    plant.target = target
    rows += [(s.time, s) for s in plant.run(seconds, 1.0)]
    with (folder / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["t_s", "temp_c", "target_c", "pwm"])
        for time, s in rows:
            values = (time - zero, s.temperature, s.target, s.power)
            writer.writerow([f"{v:.{d}f}" for v, d in zip(values, (1, 1, 0, 3))])
    after = [(t - zero, s) for t, s in rows if t > zero]
    reached = next((t for t, s in after if s.temperature >= target - 0.5), None)
    ready = next((t for t, s in after if t > 2 and not s.busy), None) if target else None
    printer, heater, kind, _ = name.split("_") if "bed" not in name else _bed(name)
    row = dict.fromkeys(HEADER, "")
    row.update(file=f"{name}.csv", printer=printer, heater=heater, kind=kind)
    row.update(start_c=start, target_c=target, pid_calibrate=int(calibrating), control="pid")
    row.update(zip(("pid_kp", "pid_ki", "pid_kd"), (255.0 * g for g in spec.gains)))
    if target:
        row.update(reached_s=f"{reached:.1f}", ready_s=f"{ready:.1f}")
    return row


def _bed(name):
    printer, _, _, kind, number = name.split("_")
    return printer, "heater_bed", kind, number


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    rows = []
    for p in (1, 2, 3):
        for n in (1, 2, 3):
            seed = 10 * p + n
            rows.append(record(folder, f"p{p}_extruder_heat_{n}", HOTEND, 210.0, 200.0, seed))
            rows.append(record(folder, f"p{p}_extruder_cool_{n}", HOTEND, 0.0, 600.0, seed, 210.0))
            name = f"p{p}_heater_bed_heat_{n}"
            rows.append(record(folder, name, THIN_BED, 60.0, 300.0, seed, calibrating=n == 2))
            name = f"p{p}_heater_bed_cool_{n}"
            rows.append(record(folder, name, THIN_BED, 0.0, 700.0, seed, 60.0))
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_episodes_come_in_order_with_gains_as_klippy_uses_them(traces):
    heaters = load(traces)
    assert len(heaters) == 6
    episodes = heaters[("p1", "extruder")]
    assert [(e.number, e.kind) for e in episodes[:3]] == [(1, "heat"), (1, "cool"), (2, "heat")]
    assert episodes[0].spec.gains == pytest.approx(HOTEND.gains)
    assert heaters[("p1", "heater_bed")][0].spec.kind is HeaterKind.BED


def test_only_the_past_is_known_and_calibrations_do_not_count(traces):
    heaters = load(traces)
    scores = replay_heater(heaters[("p2", "extruder")])
    assert [s.earlier for s in scores if s.event == "reached"] == [0, 1, 2]
    assert [s.earlier for s in scores if s.event == "hotend80"] == [0, 1, 2]
    beds = replay_heater(heaters[("p2", "heater_bed")])
    assert [s.earlier for s in beds if s.event == "ready"] == [0, 1]


def test_every_printer_counts_once():
    pairs = [(1.0, 0.1)] * 10 + [(5.0, 1.0), (6.0, 1.0)]
    assert quantile(pairs, 0.5) == 5.0
    assert quantile([], 0.5) is None


def test_warm_is_better_than_cold_and_bridges_work_without_power(traces):
    heaters = load(traces)
    scores = [s for e in heaters.values() for s in replay_heater(e)]
    warm = summary(select(scores, "model", "hotend", "reached", "warm"))
    cold = summary(select(scores, "model", "hotend", "reached", "cold"))
    assert warm["n"] == 6 and warm["printers"] == 3 and cold["n"] == 3
    assert warm["share"] < cold["share"] and warm["first_s"] <= 1.0
    bridge = replay_heater(heaters[("p3", "extruder")], bridge=True)
    late = summary(select(bridge, "bridge", "hotend", "reached", "warm"))
    assert late["mae_s"] < 8.0


def test_command_writes_the_promised_json(traces, tmp_path):
    out = tmp_path / "eta.json"
    command = [sys.executable, "-m", "tests.bench.eta", "--jobs", "1"]
    command += ["--traces", str(traces), "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    data = json.loads(out.read_text())
    keys = {"n", "printers", "mae_s", "share", "share_p90", "ape25", "jitter_s"}
    keys |= {"coverage80", "width", "first_s"}
    for root in (data, data["baselines"]["linear"], data["baselines"]["average"]):
        for group in ("hotend", "bed"):
            for event in ("reached", "ready"):
                for history in ("warm", "cold"):
                    assert keys <= set(root[group][event][history])
        assert root["cooldown"]["hotend80"]["warm"]["n"] == 6
        assert root["cooldown"]["bed50"]["warm"]["n"] == 6
    assert data["bridge"]["bed"]["reached"]["warm"]["mae_s"] is not None
    assert "MISSED" in done.stdout or done.returncode == 0
