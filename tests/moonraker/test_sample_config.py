# The sample configuration in a real Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What people copy must load without a warning."""

from __future__ import annotations

import json

import pytest

from tests.moonraker.real import BASE, ROOT, free_port

pytestmark = pytest.mark.moonraker
SAMPLES = ROOT / "config_examples"


def test_the_sample_loads_without_a_warning(moonraker):
    sample = (SAMPLES / "sample-moonfleet.conf").read_text()
    for number in ("10", "11", "12"):  # addresses for documentation: nothing must leave the host
        assert f"192.0.2.{number}" in sample
        sample = sample.replace(f"192.0.2.{number}", "127.0.0.1\nport: 9")
    sample = sample.replace("virtual_port: 7131", f"virtual_port: {free_port()}")
    server = moonraker(
        sample,
        secrets=json.loads((SAMPLES / "sample-moonfleet-secrets.json").read_text()),
        base=BASE.replace("[moonfleet]", ""),
    )
    assert server.warnings() == []
    printers = {p["name"]: p for p in server.http("/server/moonfleet/printers")["printers"]}
    assert set(printers) == {"x1c", "mk4", "mk3"}
    assert {p["connection"]["state"] for p in printers.values()} <= {
        "connecting",
        "refused",
        "unreachable",
    }
    assert printers["x1c"]["display_name"] == "X1 Carbon"
    assert printers["mk3"]["control"] == "none" and printers["mk3"]["capabilities"] == []
