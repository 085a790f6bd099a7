# A plug that measures, read through Moonraker's own [sensor], and its energy in the record
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A broker of the system stands between the plug and Moonraker."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import paho.mqtt.publish
import pytest

from tests.moonraker.director import Director, prusa
from tests.moonraker.real import BASE, ROOT, free_port

pytestmark = pytest.mark.moonraker
BROKER = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
PLUG = """
[mqtt]
address: 127.0.0.1
port: {port}

[sensor plug]
type: mqtt
state_topic: plug/total
state_response_template:
    {{set_result("energy", payload|float)}}
parameter_energy: units=kWh
"""


@pytest.fixture
def broker(tmp_path: pathlib.Path) -> Iterator[int]:
    if BROKER is None:
        pytest.skip("no mosquitto on this system")
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([BROKER, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
        yield port
    finally:
        process.terminate()
        process.wait(10)


async def test_a_job_has_its_energy_and_its_cost(moonraker, broker):
    async with Director(one=prusa(state="standby", job=None)) as director:
        config = director.config("control: full\nenergy_sensor: plug") + PLUG.format(port=broker)
        base = BASE.replace("[moonfleet]", "[moonfleet]\ncurrency: EUR\nenergy_price: 0.40\n")
        server = moonraker(config, base=base, environ={"PYTHONPATH": str(ROOT)})
        assert server.warnings() == []

        async def shows(total: float) -> None:
            async def taken() -> bool:
                info = await server.get("/server/sensors/info", sensor="plug")
                return bool(info["values"].get("energy") == total)

            await asyncio.to_thread(
                paho.mqtt.publish.single, "plug/total", str(total), 1, True, "127.0.0.1", broker
            )
            await server.when(taken, "the plug to be read")

        async def drew(kwh: float) -> Any:
            job = (await server.get("/server/moonfleet/printer", printer="one"))["job"]
            return job is not None and job["energy"] == kwh

        await shows(100.0)
        await server.in_state("one", "online")
        director.say("one", state="printing", job=prusa()["job"])

        async def metered() -> Any:
            return await drew(0.0)

        await server.when(metered, "the job to be metered")
        await shows(100.25)
        await asyncio.to_thread(server.restart)
        await shows(100.5)  # what ran meanwhile is counted

        async def done() -> Any:
            return await drew(0.5)

        await server.when(done, "the job's energy")
        director.say("one", state="complete")

        async def ended() -> Any:
            jobs = (await server.get("/server/moonfleet/history/list"))["jobs"]
            return jobs[0] if jobs[0]["status"] == "completed" else None

        assert (await server.when(ended, "its end"))["energy"] == 0.5
        found = await server.get("/server/moonfleet/statistics")
        assert found["fleet"]["energy"] == pytest.approx(0.5)
        assert found["fleet"]["cost"] == {"amount": 0.2, "currency": "EUR"}


def test_a_sensor_that_is_not_there_is_a_warning(moonraker):
    config = "\n[moonfleet mk4]\ntype: prusalink\nhost: 127.0.0.1\nport: 9\n"
    config += "password: {secrets.x1c.access_code}\nenergy_sensor: oven\n"
    server = moonraker(config, secrets={"x1c": {"access_code": "12345678"}})
    (warning,) = server.warnings()
    assert warning == (
        "[moonfleet mk4] option 'energy_sensor': 'oven' is not known;"
        " add a section [sensor oven] or remove the name"
    )
