# Virtual printers under load, in a real Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.instance [--seconds N]``

Every figure stands beside its limit; exit status 1 when one is missed. The control of the lag is a
bare event loop in the same moments; the control of the load is the same Moonraker with the same
printers reporting and nobody watching.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import json
import os
import pathlib
import resource
import struct
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterable
from typing import Any, Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "moonraker_components"))

from tests.moonraker.director import Director, bambu  # noqa: E402
from tests.moonraker.real import BASE, Moonraker  # noqa: E402
from tests.unit.instance.house import FakeSink, House  # noqa: E402

PRINTERS, WATCHERS, RATE = 20, 40, 2.0
STALLED = 50
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1024 * 1024
Row = tuple[str, float, float, str]


class Watcher(asyncio.Protocol):
    """A websocket client that subscribes to everything and counts what it is told."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.updates = 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.arrived: dict[int, float] = {}  # mark -> when its update came
        self.transport: Any = None
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.call("printer.objects.list", {})
        self.stay()

    def stay(self) -> None:
        """A pong nobody asked for, so that Moonraker does not take us for dead."""
        if not self.transport.is_closing():
            self.transport.write(b"\x8a\x80\0\0\0\0")
            asyncio.get_running_loop().call_later(5.0, self.stay)

    def call(self, method: str, params: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).encode()
        size = len(body)
        head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else b""
        head = head or struct.pack("!BBH", 0x81, 0x80 | 126, size)
        self.transport.write(head + b"\0\0\0\0" + body)  # a mask of zeros masks nothing

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        count = data.count(b"notify_status_update")
        self.updates += count
        if count:
            for part in data.split(b'"message":"mark ')[1:]:
                mark, closed, _ = part.partition(b'"')
                if closed:
                    self.arrived.setdefault(int(mark), now)
        elif not self.ready.done():
            self._rest += data
            if b'"status":' in self._rest:
                self.ready.set_result(None)
                self._rest = b""
            elif b'"result":{"objects":[' in self._rest and b"]}" in self._rest:
                listed = self._rest.split(b'"objects":[')[1].split(b"]")[0]
                names = json.loads(b"[" + listed + b"]")
                self._rest = b""
                self.call("printer.objects.subscribe", {"objects": dict.fromkeys(names)})


async def watch(port: int, name: str) -> Watcher:
    loop = asyncio.get_running_loop()
    path = f"/websocket/moonfleet/{name}/websocket"
    _, watcher = await loop.create_connection(lambda: Watcher(path), "127.0.0.1", port)
    await asyncio.wait_for(watcher.ready, 60)
    return watcher


def cpu(pid: int) -> float:
    """Seconds of processor time so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss(pid: int) -> float:
    """MiB of memory in use."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / MIB


def percentile(values: Iterable[float], share: float = 0.99) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Reporter:
    """Makes every printer report at a steady rate, spread over the second."""

    def __init__(self, director: Director, rate: float) -> None:
        self.director, self.rate = director, rate
        self.sent: dict[int, float] = {}
        self._mark = 0
        self._task: Optional[asyncio.Task[None]] = None

    async def __aenter__(self) -> Reporter:
        self._task = asyncio.ensure_future(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        pause = 1.0 / (self.rate * len(self.director.state))
        due = time.monotonic()
        while True:
            for name in self.director.state:
                self._mark += 1
                self.sent[self._mark] = time.monotonic()
                self.director.say(name, message=f"mark {self._mark}")
                due += pause
                await asyncio.sleep(max(0.0, due - time.monotonic()))


async def load(pid: int, watchers: list[Watcher], seconds: float) -> tuple[float, float]:
    """(share of one core, messages a second) over a while."""
    await asyncio.sleep(1.0)
    began, used, told = time.monotonic(), cpu(pid), sum(w.updates for w in watchers)
    await asyncio.sleep(seconds)
    span = time.monotonic() - began
    return (cpu(pid) - used) / span, (sum(w.updates for w in watchers) - told) / span


async def answers(port: int, seconds: float) -> float:
    """p99 of ``round_trips`` over that of a bare loop in the same moments, in a process apart."""
    probe = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.instance"),
        *("--probe", str(port), "--seconds", str(seconds)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    output, _ = await probe.communicate()
    return float(output)


async def round_trips(port: int, seconds: float) -> list[float]:
    """Milliseconds that Moonraker's loop took to answer, asked every 20 ms."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    end, found = time.monotonic() + seconds, []
    while time.monotonic() < end:
        began = time.monotonic()
        writer.write(b"GET /access/info HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(size)
        found.append((time.monotonic() - began) * 1000.0)
        await asyncio.sleep(0.02)
    writer.close()
    return found


async def beside_a_bare_loop(port: int, seconds: float) -> float:
    asked, bare = await asyncio.gather(round_trips(port, seconds), bare_lag(seconds))
    return percentile(asked) - percentile(bare)


async def bare_lag(seconds: float) -> list[float]:
    """Milliseconds by which a bare event loop wakes up late."""
    end, found = time.monotonic() + seconds, []
    while time.monotonic() < end:
        began = time.monotonic()
        await asyncio.sleep(0.01)
        found.append((time.monotonic() - began - 0.01) * 1000.0)
    return found


async def crowd(seconds: float, folder: pathlib.Path) -> list[Row]:
    # cold: a heater that heats would add a countdown of its own to the reports
    cold = {"extruder": {"temperature": 25.0, "target": 0.0}}
    printers = {f"p{number}": bambu(heaters=cold) for number in range(PRINTERS)}
    async with Director(**printers) as director:
        moonraker = Moonraker(folder, director.config(), environ={"PYTHONPATH": str(ROOT)})
        await asyncio.to_thread(moonraker.start)
        assert moonraker.process is not None
        pid, port = moonraker.process.pid, moonraker.port
        try:
            await asyncio.sleep(3.0)
            async with Reporter(director, RATE):
                alone, _ = await load(pid, [], seconds)
            async with Reporter(director, 4.0):
                alone_fast, _ = await load(pid, [], seconds)
            pairs = [await watch(port, name) for name in printers for _ in range(2)]
            async with Reporter(director, RATE) as reporter:
                await asyncio.sleep(seconds)
            delays = [
                (when - reporter.sent[mark]) * 1000.0
                for pair in pairs
                for mark, when in pair.arrived.items()
                if mark in reporter.sent
            ]
            more = [await watch(port, name) for name in printers for _ in range(WATCHERS - 2)]
            everybody = pairs + more
            async with Reporter(director, RATE):
                share, rate = await load(pid, everybody, seconds)
                lag = await answers(port, seconds)
            async with Reporter(director, 4.0):
                share_fast, rate_fast = await load(pid, everybody, seconds)
            for watcher in everybody:
                watcher.transport.abort()
            await asyncio.sleep(2.0)
            before = rss(pid)
            sleepers = [await watch(port, "p0") for _ in range(STALLED - 5)]
            for sleeper in sleepers:
                sleeper.transport.pause_reading()
            async with Reporter(director, 4.0):
                await asyncio.sleep(max(25.0, seconds))
                grown = rss(pid) - before
            for sleeper in sleepers:
                sleeper.transport.abort()
        finally:
            await asyncio.to_thread(moonraker.stop)
    bare = percentile(await bare_lag(5.0))
    per_message = (share_fast - alone_fast) / rate_fast * 1e6
    return [
        (f"messages a second, {PRINTERS} printers x {WATCHERS} clients", rate, 0.0, ""),
        ("share of one core for them", (share - alone) * 100, 6.0, "%"),
        (f"a message at {rate_fast:.0f} a second", per_message, 20.0, "us"),
        ("answer p99 of the host over a bare loop", lag, 10.0, "ms"),
        ("report to client p99 over a bare loop", percentile(delays) - bare, 25.0, "ms"),
        (f"{len(sleepers)} stalled clients", grown, 20.0, "MiB"),
    ]


async def one_printer() -> float:
    """KiB of one virtual printer after half an hour with two clients."""
    house = await House().start()
    warm = FakeSink(99)
    house.virtual.connect(warm)
    gc.collect()
    tracemalloc.start()
    other = await House().start()
    for uid in (1, 2):
        sink = FakeSink(uid)
        sink.send = lambda data: None  # type: ignore[method-assign]
        client = other.virtual.connect(sink)
        names = (await other.result("printer.objects.list"))["objects"]
        await other.call("printer.objects.subscribe", client, objects=dict.fromkeys(names))
    for _ in range(1800):
        other.virtual.tick(b"{}")
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] / 1024
    tracemalloc.stop()
    await house.stop()
    await other.stop()
    return size


async def component(folder: pathlib.Path) -> tuple[float, float]:
    """MiB over a Moonraker without the component: with five printers, with none configured."""
    found = []
    plain = BASE.replace("[moonfleet]\n", "")
    async with Director(**{f"p{number}": bambu() for number in range(5)}) as director:
        for number, (base, config) in enumerate(
            ((plain, ""), (BASE, director.config()), (BASE, ""))
        ):
            moonraker = Moonraker(
                folder / str(number), config, base=base, environ={"PYTHONPATH": str(ROOT)}
            )
            await asyncio.to_thread(moonraker.start)
            assert moonraker.process is not None
            await asyncio.sleep(5.0)
            found.append(rss(moonraker.process.pid))
            await asyncio.to_thread(moonraker.stop)
    return found[1] - found[0], found[2] - found[0]


async def main(seconds: float) -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    with tempfile.TemporaryDirectory() as folder:
        rows = await crowd(seconds, pathlib.Path(folder) / "crowd")
        rows.append(("a virtual printer after 30 minutes", await one_printer(), 1024.0, "KiB"))
        five, none = await component(pathlib.Path(folder) / "component")
        rows.append(("the component with five printers", five, 25.0, "MiB"))
        rows.append(("the component with nothing configured", none, 25.0, "MiB"))
    missed = 0
    for what, value, limit, unit in rows:
        bad = bool(limit) and value > limit
        missed += bad
        beside = f"limit {limit:g} {unit}" if limit else ""
        print(f"{what:52} {value:9.2f} {unit:4} {beside:18} {'MISSED' if bad else 'ok'}")
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--probe", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        print(asyncio.run(beside_a_bare_loop(options.probe, options.seconds)))
        sys.exit(0)
    sys.exit(asyncio.run(main(options.seconds)))
