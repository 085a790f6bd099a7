# Every scenario runs on the stand-in host, and inside real checkouts where they are named
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""KLIPPER_DIR names one checkout or several (separated as in PATH); KLIPPY_PYTHON their Python."""

from __future__ import annotations

import os
import pathlib
import sys
from typing import Any, Callable

import pytest

from . import lab

CHECKOUTS = [part for part in os.environ.get("KLIPPER_DIR", "").split(os.pathsep) if part]
PYTHON = os.environ.get("KLIPPY_PYTHON", sys.executable)
HOSTS = [
    pytest.param("", id="standin"),
    *(
        pytest.param(checkout, id=pathlib.Path(checkout).name, marks=pytest.mark.klipper)
        for checkout in CHECKOUTS or ["klipper"]
    ),
]


@pytest.fixture(params=HOSTS)
def checkout(request: pytest.FixtureRequest) -> str:
    """Empty for the stand-in, else the folder of a checkout."""
    if request.param and not CHECKOUTS:
        pytest.skip("no Klipper checkout: set KLIPPER_DIR (and KLIPPY_PYTHON)")
    return request.param


@pytest.fixture
def play(checkout: str, tmp_path: pathlib.Path) -> Callable[..., dict[str, Any]]:
    """Run ``module:scenario`` on the host of this test; returns what it recorded."""

    def run(name: str, complains: bool = False) -> dict[str, Any]:
        if checkout:
            data = lab.run_on_klippy(checkout, PYTHON, name, tmp_path)
        else:
            data = lab.run_on_standin(name, tmp_path)
        assert "error" not in data, data["error"]
        assert bool(data["complaints"]) is complains, data["complaints"]
        return data

    return run


@pytest.fixture
def kalico(checkout: str) -> bool:
    return bool(checkout) and (pathlib.Path(checkout) / "klippy" / "printer.py").is_file()
