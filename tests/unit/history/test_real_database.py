# The history on the database classes of every supported Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
ENVS = pathlib.Path(os.environ.get("MOONFLEET_ENVS", ROOT / ".envs"))
SCRIPT = pathlib.Path(__file__).with_name("real_database.py")
VERSIONS = ("0.9.3", "0.10.0", "0.11.0")


def play(version: str, scenario: str, database: pathlib.Path) -> dict:
    python = ENVS / f"moonraker-{version}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment for Moonraker {version}: tests/run makes it")
    done = subprocess.run(
        [str(python), str(SCRIPT), scenario, str(database), str(ROOT / "moonraker_components")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("version", VERSIONS)
def test_on_the_real_database(version, tmp_path):
    database = tmp_path / "moonraker-sql.db"
    assert play(version, "first", database) == {
        "all": ["part 2", "part 1"],
        "search": ["part 1"],
        "open": {"x1c": {"open": None, "ledger": {"number": 7}}},
        "warnings": [],
    }
    assert play(version, "again", database) == {
        "before": ["part 3", "part 2", "part 1"],
        "restored": ["part 2", "part 1"],
        "warnings": [],
    }
    assert play(version, "upgrade", database) == {
        "rating": True,
        "upgraded": ["part 4", "part 2", "part 1"],
        "downgraded": ["part 5", "part 4", "part 2", "part 1"],
        "warned": 1,
    }


def test_a_database_moves_between_moonrakers(tmp_path):
    database = tmp_path / "moonraker-sql.db"
    play(VERSIONS[0], "first", database)
    assert play(VERSIONS[-1], "again", database)["before"] == ["part 3", "part 2", "part 1"]
    assert play(VERSIONS[0], "again", database)["restored"] == ["part 2", "part 1"]
