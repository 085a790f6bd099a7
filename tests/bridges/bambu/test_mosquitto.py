# The transport against a neutral broker: mosquitto
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A printer made of mosquitto and a client that publishes what an emulated machine reports."""

from __future__ import annotations

import asyncio
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import pytest_asyncio
from moonfleet.bridges.base import Link
from moonfleet.core.commands import Action, Command
from moonfleet.core.model import PrintState

from tests.emulators.bambu import EmulatedBambu
from tests.emulators.bambu import reports as shapes

from .conftest import World
from .helpers import until

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        shutil.which("mosquitto") is None and not pathlib.Path("/usr/sbin/mosquitto").exists(),
        reason="mosquitto is not installed",
    ),
]
CODE = "12345678"
BROKER = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class BrokerPrinter:
    """Anything with host, port, serial and access_code can be bridged."""

    host = "127.0.0.1"
    access_code = CODE

    def __init__(self, folder: pathlib.Path) -> None:
        self.body = EmulatedBambu("P1S")  # never started: only its chain and machine are used
        self.serial = self.body.serial
        self.folder = folder
        self.port = _free_port()
        self.requests: list[dict[str, Any]] = []
        self._process: subprocess.Popen[bytes] | None = None
        certificate, key = self.body.chain.write(folder)
        passwords = folder / "passwords"
        passwords.touch(mode=0o600)
        subprocess.run(
            ["mosquitto_passwd", "-b", str(passwords), "bblp", CODE],
            check=True,
            capture_output=True,
        )
        (folder / "acl").write_text(
            f"user bblp\ntopic readwrite device/{self.serial}/report\n"
            f"topic readwrite device/{self.serial}/request\n"
        )
        (folder / "conf").write_text(
            f"listener {self.port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}\n"
            f"tls_version tlsv1.2\nallow_anonymous false\npassword_file {passwords}\n"
            f"acl_file {folder / 'acl'}\nuser root\npersistence false\n"
        )

    def _spawn(self) -> None:
        self._process = subprocess.Popen(
            [BROKER, "-c", str(self.folder / "conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def start(self) -> None:
        self._spawn()
        await until(self._listens)
        version = getattr(mqtt, "CallbackAPIVersion", None)  # paho 1.6 has but one
        versions = {} if version is None else {"callback_api_version": version.VERSION2}
        self._client = mqtt.Client(client_id="machine", **versions)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._client.tls_set_context(context)
        self._client.username_pw_set("bblp", CODE)
        self._client.on_connect = lambda c, *_: c.subscribe(f"device/{self.serial}/request")
        self._client.on_message = self._asked
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        await until(self._client.is_connected)

    def _listens(self) -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def _asked(self, _client: Any, _user: Any, message: Any) -> None:
        for group, body in json.loads(message.payload).items():
            self.requests.append(body)
            if body["command"] == "pushall":
                state = shapes.full(self.body.machine, True, set())
                self.publish("print", {"command": "push_status", "msg": 0, **state})
            elif body["command"] == "get_version":
                self.publish(group, shapes.modules(self.body.machine, self.serial))
            elif body["command"] == "pause":
                self.publish("print", {**body, "result": "success"})
                self.publish("print", {"command": "push_status", "msg": 1, "gcode_state": "PAUSE"})

    def publish(self, group: str, body: dict[str, Any]) -> None:
        self._client.publish(f"device/{self.serial}/report", json.dumps({group: body}))

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self.kill()


@pytest_asyncio.fixture
async def broker(tmp_path: pathlib.Path) -> AsyncIterator[BrokerPrinter]:
    printer = BrokerPrinter(tmp_path)
    await printer.start()
    yield printer
    await asyncio.get_running_loop().run_in_executor(None, printer.stop)


async def test_reports_and_commands_over_mosquitto(world: World, broker: BrokerPrinter) -> None:
    bridge, host = await world.bridge(broker)
    await until(lambda: host.link is Link.ONLINE and host.snapshot.model == "P1S")
    broker.publish("print", {"command": "push_status", "msg": 1, "gcode_state": "RUNNING"})
    await until(lambda: host.snapshot.state is PrintState.PRINTING)
    await bridge.send(Command(Action.PAUSE))
    await until(lambda: host.snapshot.state is PrintState.PAUSED)
    assert [b["command"] for b in broker.requests].count("pause") == 1


async def test_wrong_code_and_verified_chain(
    world: World, broker: BrokerPrinter, tmp_path: pathlib.Path
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(broker.body.chain.authority_pem())
    _, host = await world.bridge(broker, ca_file=str(ca), access_code="00000000")
    await until(lambda: host.link is Link.AUTH_FAILED)
    _, host = await world.bridge(broker, ca_file=str(ca))
    await until(lambda: host.link is Link.ONLINE)


async def test_a_broker_that_dies_and_returns(world: World, broker: BrokerPrinter) -> None:
    _, host = await world.bridge(broker)
    await until(lambda: host.link is Link.ONLINE)
    broker.kill()
    await until(lambda: host.link is not Link.ONLINE)
    await broker.start()
    await until(lambda: host.link is Link.ONLINE)
