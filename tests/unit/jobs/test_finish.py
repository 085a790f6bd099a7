# When a print will be finished
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

import math
import random
import statistics

import pytest
from moonfleet.core.finish import Correction, FinishSample, learn, predict

# ratio of truth to promise, its spread, and the share of outliers
KINDS = {
    "honest": (1.0, 0.03, 0.0),
    "optimist": (1.25, 0.05, 0.05),
    "pessimist": (0.8, 0.05, 0.05),
    "erratic": (1.0, 0.4, 0.1),
    "slightly late": (1.03, 0.01, 0.0),
    "with bad days": (1.1, 0.02, 0.3),
    "perfect": (1.0, 0.0, 0.0),
}


def printer(kind: str, count: int, seed: int) -> list[FinishSample]:
    """Oldest first; one material takes longer than the other."""
    centre, spread, outliers = KINDS[kind]
    rng = random.Random(f"{kind} {seed}")
    samples = []
    for _ in range(count):
        promised = rng.uniform(600, 20_000)
        material = rng.choice(["PLA", "PETG"])
        ratio = centre * (1.04 if material == "PETG" and kind != "perfect" else 1.0)
        ratio *= math.exp(rng.gauss(0, spread))
        if rng.random() < outliers:
            ratio *= rng.uniform(1.5, 3)
        samples.append(FinishSample(material, promised, promised * ratio))
    return samples


@pytest.mark.parametrize("kind", KINDS)
def test_never_worse_than_the_printer_itself(kind):
    own, ours, inside, all_of = [], [], 0, 0
    for seed in range(30):
        samples = printer(kind, 60, seed)
        for place in range(1, len(samples)):
            past, now = samples[:place][::-1], samples[place]
            correction = learn(past, now.material)
            found = predict(now.promised, correction)
            own.append(abs(now.actual - now.promised) / now.actual)
            ours.append(abs(now.actual - found.left) / now.actual)
            if correction.samples >= 20:
                inside += found.low <= now.actual <= found.high
                all_of += 1
    assert statistics.median(ours) <= statistics.median(own) + 1e-9
    assert inside / all_of >= 0.7


def test_a_late_printer_is_corrected():
    samples = printer("optimist", 40, 1)[::-1]
    correction = learn(samples, "PLA")
    assert correction.ratio == pytest.approx(1.25, abs=0.06)
    found = predict(1000.0, correction)
    assert found.corrected
    assert found.low < found.left < found.high


def test_without_a_past_the_printers_word_stands():
    found = predict(1000.0, learn([]))
    assert (found.left, found.corrected) == (1000.0, False)
    assert found.low < 1000.0 < found.high


def test_one_bad_day_is_forgotten():
    good = [FinishSample("PLA", 1000.0, 1000.0 + n) for n in range(20)]
    bad = FinishSample("PLA", 1000.0, 9000.0)
    assert learn([bad, *good], "PLA").ratio == pytest.approx(1.0, abs=0.02)


def test_heat_up_comes_first():
    found = predict(1000.0, Correction(), heating=240.0)
    assert found.left == 1240.0
    assert found.at(5000.0)["finish"] == 6240.0


@pytest.mark.parametrize("left", [None, math.nan, math.inf, -1.0])
def test_no_word_no_prediction(left):
    assert predict(left) is None


def test_wild_samples_do_no_harm():
    wild = [FinishSample("", p, a) for p in (0.0, 1e-9, 1e300, 60.0) for a in (0.0, -5.0, 1e300)]
    correction = learn([*wild, *printer("honest", 10, 3)])
    assert 0.25 <= correction.low <= correction.ratio <= correction.high <= 4.1
