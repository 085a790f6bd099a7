# Shared fixtures; the packages under test are imported as the hosts see them
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``moonfleet`` and ``heater_eta`` are importable as top-level packages in the tests.

The hosts import them as ``moonraker.components.moonfleet`` and ``extras.heater_eta``; relative
imports inside make the name of the parent irrelevant.
"""

from __future__ import annotations

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
for path in (ROOT, ROOT / "moonraker_components", ROOT / "klippy_extras"):
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))


@pytest.fixture(scope="session")
def captures() -> pathlib.Path:
    """Recorded exchanges, kept outside the project; named by MOONFLEET_CAPTURES."""
    place = pathlib.Path(os.environ.get("MOONFLEET_CAPTURES", ROOT.parent / "shared" / "captures"))
    if not place.is_dir():
        pytest.skip("no recorded exchanges: set MOONFLEET_CAPTURES to their folder")
    return place
