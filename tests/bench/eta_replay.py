# Drives the shipped model (or a baseline) through recorded episodes, only ever knowing the past
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One printer at a time, prequentially; the result is one score per episode and event."""

from __future__ import annotations

import dataclasses
import json
import math
import random
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Optional

from heater_eta.thermal.tracker import HeaterTracker
from heater_eta.thermal.types import HeaterKind, Sample

from .eta_traces import Episode, Row

#: a prediction at one time: seconds left, and the interval around them
Guess = tuple[Optional[float], Optional[float], Optional[float]]


@dataclass
class Score:
    mode: str  # model, bridge, or the name of a baseline
    printer: str
    group: str  # hotend, bed, chamber
    event: str  # reached, ready, hotend80, bed50
    earlier: int  # episodes of that kind known before
    episode: str
    duration: float
    mae: float
    share: float
    ape25: Optional[float]
    jitter: Optional[float]
    coverage: Optional[float]
    width: Optional[float]
    first: Optional[float]
    retarget: bool
    errors: list[float] = dataclasses.field(default_factory=list)


def score(
    mode: str,
    episode: Episode,
    event: str,
    end: float,
    earlier: int,
    guesses: list[tuple[float, Guess]],
    keep: bool = False,
) -> Optional[Score]:
    """``guesses`` are (time since the target was set, guess); ``end`` is when it happened."""
    errors: list[float] = []
    finishes: list[float] = []
    widths: list[float] = []
    inside = counted = 0
    finish: Optional[float] = None
    first = ape25 = None
    for t, (left, low, high) in guesses:
        if t > end - 1e-6:
            break
        if left is not None:
            finish = t + left
            if first is None:
                first = t
        if finish is None:
            continue
        truth = end - t
        error = max(0.0, finish - t) - truth
        errors.append(error)
        if left is not None:
            finishes.append(finish)
        if ape25 is None and t >= 0.25 * end:
            ape25 = abs(error) / truth
        if low is not None and high is not None:
            counted += 1
            inside += low - 0.5 <= truth <= high + 0.5  # truth is only known to a second
            widths.append((high - low) / truth)
    if not errors or end <= 0.0:
        return None
    moves = [b - a for a, b in zip(finishes, finishes[1:])]
    mae = statistics.fmean(abs(e) for e in errors)
    return Score(
        mode=mode,
        printer=episode.printer,
        group=episode.group,
        event=event,
        earlier=earlier,
        episode=episode.name,
        duration=end,
        mae=mae,
        share=mae / end,
        ape25=ape25,
        jitter=statistics.pstdev(moves) if len(moves) > 1 else None,
        coverage=inside / counted if counted else None,
        width=statistics.median(widths) if widths else None,
        first=first,
        retarget=episode.start > 45.0,
        errors=errors if keep else [],
    )


def counts(episode: Episode) -> bool:
    """Heat-ups that are scored."""
    return (
        episode.kind == "heat"
        and not episode.calibrating
        and episode.reached is not None
        and episode.ready is not None
        and min(episode.reached, episode.ready) >= 8.0
    )


def bridged(rows: list[Row], seed: str) -> list[tuple[Row, bool]]:
    """Every second, with a mark where a bridged printer would have sent whole degrees."""
    chance = random.Random(seed)
    due = -math.inf
    before = True
    result = []
    for row in rows:
        # a new target is pushed at once, readings come when they come
        arrives = row[0] >= due or (row[0] >= 0.0 and before)
        before = before and row[0] < 0.0
        if arrives:
            due = row[0] + chance.uniform(1.0, 5.0)
        result.append(((row[0], float(round(row[1])), row[2], row[3]), arrives))
    return result


def cool_goal(episode: Episode) -> tuple[str, float]:
    return ("bed50", 50.0) if episode.group != "hotend" else ("hotend80", 80.0)


def fall_time(rows: list[Row], goal: float) -> Optional[float]:
    for t, temp, target, _ in rows:
        if t >= 0.0 and target <= 0.0 and temp <= goal:
            return t
    return None


def drain(tracker: HeaterTracker) -> None:
    while tracker.work():
        pass


def replay_heater(
    episodes: Iterable[Episode],
    bridge: bool = False,
    keep: bool = False,
    watch: Optional[Callable[[Episode, HeaterTracker, list[Any]], None]] = None,
) -> list[Score]:
    """All episodes of one heater through the model, the learned state passing between lives."""
    scores: list[Score] = []
    learned: Optional[dict[str, Any]] = None
    heats = cools = 0
    mode = "bridge" if bridge else "model"
    for episode in episodes:
        rows = episode.rows()
        if not rows:
            continue
        spec = episode.spec
        if bridge:
            spec = dataclasses.replace(spec, has_power=False, gains=None, control=None)
        cool = episode.kind == "cool"
        goal_name, goal = cool_goal(episode)
        tracker = HeaterTracker(spec, learned, goal if cool else None)
        seen: list[tuple[float, Any]] = []
        marked = bridged(rows, episode.name) if bridge else [(row, True) for row in rows]
        for (t, temp, target, pwm), arrives in marked:
            if arrives:
                power = None if bridge else pwm
                tracker.update(
                    Sample(t, temp, target, power, calibrating=episode.calibrating and t >= 0.0)
                )
                drain(tracker)
            if t >= 0.0:
                seen.append((t, tracker.estimate(t)))
        if watch is not None:
            watch(episode, tracker, seen)
        learned = json.loads(json.dumps(tracker.to_dict()))
        if counts(episode):
            made = [
                score(
                    mode, episode, "reached", episode.reached or 0.0, heats,
                    [(t, (e.eta_reached, e.reached_low, e.reached_high)) for t, e in seen], keep,
                ),
                score(
                    mode, episode, "ready", episode.ready or 0.0, heats,
                    [(t, (e.eta, e.eta_low, e.eta_high)) for t, e in seen], keep,
                ),
            ]  # fmt: skip
            scores += [s for s in made if s is not None]
        if cool and not episode.calibrating and spec.kind is not HeaterKind.CHAMBER:
            end = fall_time(rows, goal)
            if end is not None and end >= 20.0:
                guesses = [(t, (e.cooldown_eta, None, None)) for t, e in seen]
                one = score(mode, episode, goal_name, end, cools, guesses, keep)
                if one is not None:
                    scores.append(one)
        if episode.kind == "heat" and not episode.calibrating and episode.ready is not None:
            heats += 1
        cools += cool and not episode.calibrating
    return scores
