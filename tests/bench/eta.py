# Accuracy of the heater ETA on recorded heat-ups and cool-downs
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.eta --traces DIR [--json FILE] [--plots DIR]``

Replays a set of traces through the shipped model, prequentially: only earlier episodes of a
heater are known. Prints medians and p90 in which every printer counts once, next to what must be
reached, and to two simple baselines. Exit status 1 when something that must be reached is missed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import pathlib
import sys
from typing import Any, Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "klippy_extras"))

from . import eta_baselines, eta_plots  # noqa: E402
from .eta_metrics import select, summary  # noqa: E402
from .eta_replay import Score, replay_heater  # noqa: E402
from .eta_traces import Episode, load  # noqa: E402

EVENTS = ("reached", "ready")
COOL = {"hotend80": "hotend", "bed50": "bed"}
Limit = tuple[str, str, Optional[float], Optional[float], Optional[float]]

#: what, where in the JSON, must reach (at most), aim, at least
LIMITS: list[Limit] = [
    ("hotend reached, warm: MAE s", "hotend/reached/warm/mae_s", 2.0, 1.2, None),
    ("hotend reached, warm: APE at 25 %", "hotend/reached/warm/ape25", 0.10, 0.06, None),
    ("hotend ready, warm: MAE s", "hotend/ready/warm/mae_s", 4.5, 2.5, None),
    ("hotend ready, warm: share", "hotend/ready/warm/share", 0.08, 0.04, None),
    ("bed reached, warm: share", "bed/reached/warm/share", 0.06, 0.04, None),
    ("bed reached, warm: APE at 25 %", "bed/reached/warm/ape25", 0.09, 0.05, None),
    ("bed ready, warm: share", "bed/ready/warm/share", 0.07, 0.04, None),
    ("hotend reached, cold: share", "hotend/reached/cold/share", 0.10, 0.08, None),
    ("bed reached, cold: share", "bed/reached/cold/share", 0.12, 0.09, None),
    ("hotend reached, warm: share p90", "hotend/reached/warm/share_p90", 0.15, 0.10, None),
    ("bed ready, warm: share p90", "bed/ready/warm/share_p90", 0.25, 0.15, None),
    ("hotend to 80 C, warm: share", "cooldown/hotend80/warm/share", 0.07, 0.04, None),
    ("bed to 50 C, warm: share", "cooldown/bed50/warm/share", 0.06, 0.04, None),
    ("hotend reached, warm: width", "hotend/reached/warm/width", 0.35, 0.25, None),
    ("bed reached, warm: width", "bed/reached/warm/width", 0.50, 0.30, None),
    ("hotend ready, warm: width", "hotend/ready/warm/width", 1.0, 0.6, None),
    ("bridge: hotend reached, warm: MAE s", "bridge/hotend/reached/warm/mae_s", 4.0, 2.5, None),
    ("bridge: bed reached, warm: MAE s", "bridge/bed/reached/warm/mae_s", 10.0, 6.0, None),
]
for _group, _event in [(g, e) for g in ("hotend", "bed") for e in EVENTS]:
    _name, _path = f"{_group} {_event}, warm: ", f"{_group}/{_event}/warm/"
    LIMITS += [
        (_name + "jitter s/s", _path + "jitter_s", 1.0, 0.5, None),
        (_name + "coverage", _path + "coverage80", 0.92, None, 0.75),
        (_name + "first estimate s", _path + "first_s", 0.5, None, None),
    ]


def job(task: tuple[list[Episode], str]) -> tuple[list[Score], list[str]]:
    episodes, mode = task
    if mode == "baseline":
        return eta_baselines.replay(episodes), []
    warnings: list[str] = []

    def watch(episode: Episode, tracker: Any, seen: list[Any]) -> None:
        found = {e.health for _, e in seen if e.health}
        warnings.extend(f"{episode.name}: {text}" for text in found)

    return replay_heater(episodes, bridge=mode == "bridge", keep=True, watch=watch), warnings


def tree(scores: list[Score], mode: str) -> dict[str, Any]:
    """{hotend, bed: {event: {history: cell}}, cooldown: ...} of one predictor."""
    result: dict[str, Any] = {}
    for group in ("hotend", "bed"):
        result[group] = {
            event: {h: summary(select(scores, mode, group, event, h)) for h in ("warm", "cold")}
            for event in EVENTS
        }
    result["cooldown"] = {
        goal: {h: summary(select(scores, mode, group, goal, h)) for h in ("warm", "cold")}
        for goal, group in COOL.items()
    }
    return result


def dig(data: dict[str, Any], path: str) -> Optional[float]:
    value: Any = data
    for key in path.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, (int, float)) else None


def text(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def print_tables(result: dict[str, Any], health: list[str]) -> bool:
    """The figures beside their limits; False when one that must be reached is missed."""
    good = True
    baselines = result["baselines"]
    print(f"{'figure':40}{'here':>9}{'linear':>9}{'average':>9}{'must':>9}{'aim':>7}")
    for name, path, must, aim, least in LIMITS:
        value = dig(result, path)
        others = [dig(baselines[b], path) for b in ("linear", "average")]
        missed = value is None or (must is not None and value > must)
        missed = missed or (least is not None and value is not None and value < least)
        good = good and not missed
        limit = text(must) if least is None else f"{least}-{must}"
        print(
            f"{name:40}{text(value):>9}{text(others[0]):>9}{text(others[1]):>9}"
            f"{limit:>9}{text(aim):>7}{'  MISSED' if missed else ''}"
        )
    print(f"{'health warnings on these traces':40}{len(health):>9}{'':18}{'0':>9}")
    for line in health:
        print("   ", line)
    print()
    print(f"{'class':31}{'n':>4}{'prn':>4}{'mae s':>8}{'share (95 % of printers)':>27}{'p90':>7}")
    for group, event, history in [
        (g, e, h) for g in ("hotend", "bed") for e in EVENTS for h in ("warm", "cold")
    ] + [("cooldown", c, h) for c in COOL for h in ("warm", "cold")]:
        for label, data in (("", result), ("  linear", baselines["linear"])):
            cell = data[group][event][history]
            ci = " ..".join(f"{100 * v:5.1f}" for v in cell["share_ci"])
            share = "-" if cell["share"] is None else f"{100 * cell['share']:.1f} %"
            p90 = "-" if cell["share_p90"] is None else f"{100 * cell['share_p90']:.1f}"
            print(
                f"{label or f'{group} {event} {history}':31}{cell['n']:>4}{cell['printers']:>4}"
                f"{text(cell['mae_s']):>8}{share:>12}{f'({ci})' if ci else '':>15}{p90:>7}"
            )
    return good and not health


def main() -> int:
    parser = argparse.ArgumentParser(description="Accuracy of the heater ETA on recorded traces.")
    parser.add_argument("--traces", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--plots", type=pathlib.Path, help="write SVG plots here")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if not (args.traces / "index.csv").is_file():
        print(f"{args.traces} holds no index.csv", file=sys.stderr)
        return 2
    heaters = load(args.traces)
    tasks = [(e, mode) for e in heaters.values() for mode in ("model", "bridge", "baseline")]
    tasks.sort(key=lambda task: -len(task[0]))
    scores: list[Score] = []
    health: list[str] = []
    with multiprocessing.Pool(max(1, args.jobs)) as pool:
        for found, warnings in pool.imap_unordered(job, tasks, 1):
            scores += found
            health += warnings
    scores.sort(key=lambda s: (s.mode, s.episode, s.event))  # the order of the workers is chance
    result = tree(scores, "model")
    result["bridge"] = tree(scores, "bridge")
    result["baselines"] = {name: tree(scores, name) for name in eta_baselines.BASELINES}
    result["health_warnings"] = len(health)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    if args.plots:
        eta_plots.write(args.plots, scores, result)
    return 0 if print_tables(result, sorted(health)) else 1


if __name__ == "__main__":
    sys.exit(main())
