# Real Moonraker processes for the tests
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``moonraker(config)`` starts one on each supported release and stops it afterwards."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from tests.moonraker.real import VERSIONS, Moonraker, environment


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    if not environment(request.param).is_dir():
        pytest.skip(f"no environment for Moonraker {request.param}; tests/run makes it")
    return str(request.param)


@pytest.fixture
def moonraker(tmp_path: pathlib.Path, version: str) -> Iterator[Callable[..., Moonraker]]:
    running: list[Moonraker] = []

    def start(config: str = "", **more: Any) -> Moonraker:
        server = Moonraker(tmp_path / f"data{len(running)}", config, version, **more)
        running.append(server)
        server.start()
        return server

    yield start
    for server in running:
        server.stop()


newest = pytest.mark.parametrize("version", VERSIONS[-1:], indirect=True)
