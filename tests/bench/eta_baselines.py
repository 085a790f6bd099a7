# What macros and other tools do: extrapolate a slope
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Two simple predictors, written for the bench, to compare the model with.

``linear``: first and last sample of a short window (10 s hotend, 30 s bed, 120 s cooling), as
OctoPrint-TempETA does by default. ``average``: mean rate since the target was set.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Callable, Optional

from .eta_replay import Guess, Score, cool_goal, counts, fall_time, score
from .eta_traces import Episode, Row

_CLOSE = 5.0  # C: nothing is shown nearer than that
Baseline = Callable[[list[Row], float, float], list[tuple[float, Guess]]]


def linear(rows: list[Row], goal: float, window: float) -> list[tuple[float, Guess]]:
    held: deque[tuple[float, float]] = deque()
    result: list[tuple[float, Guess]] = []
    for t, temp, _, _ in rows:
        if t < 0.0:
            continue
        held.append((t, temp))
        while t - held[0][0] > window:
            held.popleft()
        dt, change = t - held[0][0], temp - held[0][1]
        left: Optional[float] = None
        if dt > 0.0 and abs(goal - temp) >= _CLOSE and change * (goal - temp) > 0.0:
            left = (goal - temp) * dt / change
        result.append((t, (left, None, None)))
    return result


def average(rows: list[Row], goal: float, window: float) -> list[tuple[float, Guess]]:
    start: Optional[float] = None
    result: list[tuple[float, Guess]] = []
    for t, temp, _, _ in rows:
        if t < 0.0:
            continue
        if start is None:
            start = temp
        left: Optional[float] = None
        change = temp - start
        if t > 0.0 and change * (goal - temp) > 0.0:
            left = (goal - temp) * t / change
        result.append((t, (left, None, None)))
    return result


BASELINES: dict[str, Baseline] = {"linear": linear, "average": average}


def replay(episodes: Iterable[Episode]) -> list[Score]:
    """The same episodes, events and history counts as the model gets."""
    scores: list[Optional[Score]] = []
    heats = cools = 0
    for episode in episodes:
        cool = episode.kind == "cool" and not episode.calibrating
        name, goal = cool_goal(episode)
        if counts(episode) or cool:
            rows = episode.rows()
            for mode, baseline in BASELINES.items():
                if counts(episode):
                    window = 10.0 if episode.group == "hotend" else 30.0
                    guesses = baseline(rows, episode.target, window)
                    for event in ("reached", "ready"):
                        end = episode.reached if event == "reached" else episode.ready
                        scores.append(
                            score(mode, episode, event, end or 0.0, heats, guesses, keep=True)
                        )
                elif cool and episode.group != "chamber":
                    end = fall_time(rows, goal)
                    if end is not None and end >= 20.0:
                        guesses = baseline(rows, goal, 120.0)
                        scores.append(score(mode, episode, name, end, cools, guesses))
        heats += episode.kind == "heat" and not episode.calibrating and episode.ready is not None
        cools += cool
    return [s for s in scores if s is not None]
