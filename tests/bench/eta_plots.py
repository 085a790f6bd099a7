# Plots of the bench, as plain SVG
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""No plotting library: a few polylines with axes, readable in light and dark themes."""

from __future__ import annotations

import pathlib
from typing import Any


def write(folder: pathlib.Path, heaters: Any, scores: Any, result: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
