# What the Bambu bridge costs, beside the least that any bridge must cost
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.bambu``: prints each figure beside its limit, exit 1 on a miss.

The floor is ``json.loads`` and a recursive merge into a dict, measured in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time
from typing import Any, Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
for _folder in (ROOT / "moonraker_components", ROOT / "klippy_extras"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from moonfleet.bridges.bambu.protocol import PrinterReports, Report, parse  # noqa: E402
from moonfleet.core.model import PrinterSnapshot  # noqa: E402

from tests.emulators.bambu import MODELS  # noqa: E402
from tests.emulators.bambu import reports as shapes  # noqa: E402
from tests.emulators.bambu.machine import Job, Machine  # noqa: E402

PRINTERS = 100
FULL_BYTES = 14_000


def merge(into: dict[str, Any], news: dict[str, Any]) -> None:
    for key, value in news.items():
        known = into.get(key)
        if type(value) is dict and type(known) is dict:
            merge(known, value)
        else:
            into[key] = value


def machine(model: str = "X1C") -> Machine:
    made = Machine(MODELS[model], speed=1.0)
    made.start(Job("part", "part.gcode", 4000.0, 100))
    for _ in range(200):
        made.advance(1.0)
    return made


def full_push(body: Machine, size: int = FULL_BYTES) -> bytes:
    """A full report of the size of a real one: the rest is keys that nobody reads."""
    state = shapes.full(body, True, set())
    document = {"print": {**state, "command": "push_status", "msg": 0, "sequence_id": "1"}}
    filler = 0
    while len(json.dumps(document)) < size:
        filler += 1
        document["print"][f"unread{filler}"] = {"idx": filler, "list": [filler, "text", 0.5]}
    return json.dumps(document).encode()


def deltas(count: int) -> list[bytes]:
    return [
        json.dumps(
            {
                "print": {
                    "nozzle_temper": 219.5 + n % 7 / 8,
                    "bed_temper": 60.0 + n % 5 / 16,
                    "wifi_signal": f"-{50 + n % 9}dBm",
                    "command": "push_status",
                    "msg": 1,
                    "sequence_id": str(n),
                }
            }
        ).encode()
        for n in range(count)
    ]


def fulls(count: int) -> list[bytes]:
    body = machine()
    found = []
    for n in range(count):
        body.advance(1.0)
        body.nozzles[0].temperature = 218.0 + n % 5
        found.append(full_push(body))
    return found


def per_message(work: Callable[[bytes], Any], messages: list[bytes], repeat: int) -> float:
    """Microseconds per message: the best of several runs, the machine has other work."""
    best = float("inf")
    for _ in range(repeat):
        gc.collect()
        start = time.process_time()
        for message in messages:
            work(message)
        best = min(best, time.process_time() - start)
    return best / len(messages) * 1e6


def floor_of(start: bytes) -> Callable[[bytes], Any]:
    held: dict[str, Any] = json.loads(start)
    return lambda message: merge(held, json.loads(message))


def ours_of(start: bytes) -> Callable[[bytes], Any]:
    reports = PrinterReports()
    last = PrinterSnapshot()
    clock = 0.0

    def take(message: bytes) -> bool:
        nonlocal last, clock
        clock += 1.0
        changed = False
        for item in parse(message):
            if isinstance(item, Report):
                snapshot = reports.report(item.body, item.full, clock)
                changed = snapshot is not last and snapshot != last
                last = snapshot
        return changed

    take(start)
    return take


def message_costs(repeat: int) -> list[tuple[str, float, float]]:
    body = machine()
    start = full_push(body)
    small, big = deltas(2000), fulls(60)
    rows = []
    floor = per_message(floor_of(start), small, repeat)
    ours = per_message(ours_of(start), small, repeat)
    rows.append((f"small delta: {ours:.1f} us, floor {floor:.1f} us: times", ours / floor, 5.0))
    full_floor = per_message(floor_of(start), big, repeat)
    full_ours = per_message(ours_of(start), big, repeat)
    rows.append(
        (
            f"{len(start) // 1000} KB full: {full_ours:.0f} us, floor {full_floor:.0f} us: times",
            full_ours / full_floor,
            2.0,
        )
    )
    bare = json.dumps({"print": {"command": "push_status", "msg": 0, "nozzle_temper": 200}})
    little = per_message(ours_of(bare.encode()), small, repeat)
    rows.append(("delta with much state held / with none: times", ours / little, 1.25))
    return rows


# -- memory --------------------------------------------------------------------------------


class SilentHost:
    def __init__(self) -> None:
        import logging

        self.logger = logging.getLogger("bench")
        self.snapshot = PrinterSnapshot()
        self.count = 0

    def now(self) -> float:
        return time.time()

    def on_snapshot(self, snapshot: PrinterSnapshot) -> None:
        self.snapshot = snapshot
        self.count += 1

    def on_connection(self, connection: Any) -> None:
        pass

    async def load(self, key: str) -> None:
        return None

    async def store(self, key: str, value: Any) -> None:
        pass


def resident_kib() -> float:
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return float(line.split()[1])
    return 0.0


SERVER = """
import asyncio, json, sys
sys.path[:0] = {path!r}
from tests.bench.bambu import deltas, full_push, machine
from tests.emulators.bambu.certs import Chain
from tests.emulators.bambu.faults import Faults
from tests.emulators.bambu.mqtt_server import MqttServer

async def main():
    context = Chain("01P00A000000001").server_context()
    async def request(payload):
        pass
    servers = [MqttServer("01P00A000000001", "12345678", Faults(), request) for _ in range({count})]
    for server in servers:
        await server.start("127.0.0.1", 0, context)
    print(json.dumps([server.port for server in servers]), flush=True)
    full, small = full_push(machine("P1S")), deltas(200)
    loop, turn = asyncio.get_running_loop(), 0
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.readline()
    for server in servers:
        server.publish(full)
    if {idle}:
        await reader.read()
        return
    while True:
        begin = loop.time()
        for n, server in enumerate(servers):
            server.publish(full if (n + turn) % 2 else small[turn % 200])
            if n % 10 == 9:
                await asyncio.sleep(0.02)
        turn += 1
        await asyncio.sleep(max(0.0, begin + 1.0 - loop.time()))

asyncio.run(main())
"""


class Servers:
    def __init__(self, count: int, idle: bool) -> None:
        program = SERVER.format(path=sys.path, count=count, idle=idle)
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        self.ports: list[int] = json.loads(self._process.stdout.readline())

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Target:
    host, serial, access_code = "127.0.0.1", "01P00A000000001", "12345678"

    def __init__(self, port: int) -> None:
        self.port = port


async def memory_per_printer(count: int) -> float:
    """KiB of resident memory that each further idle, connected printer adds."""
    from moonfleet.bridges.bambu.timing import Timing

    from tests.bridges.bambu.helpers import make_bridge, until

    servers = Servers(count + 5, idle=True)
    loop = asyncio.get_running_loop()
    bridges, hosts = [], []

    async def connect(ports: list[int]) -> None:
        for port in ports:
            host = SilentHost()
            bridge = make_bridge(Target(port), host, Timing())  # type: ignore[arg-type]
            await bridge.start()
            hosts.append(host)
            bridges.append(bridge)
        await until(lambda: all(bridge._courier.connected for bridge in bridges), 60.0)

    try:
        await connect(servers.ports[:5])  # imports, the shared context, caches
        gc.collect()
        before = resident_kib()
        await connect(servers.ports[5:])
        servers.go()
        await until(lambda: all(host.count for host in hosts), 60.0)
        await loop.run_in_executor(None, gc.collect)
        return (resident_kib() - before) / count
    finally:
        for bridge in bridges:
            await bridge.stop()
        servers.stop()


async def load_of_many(count: int, seconds: float) -> tuple[float, float, float]:
    """(share of a core, reports a second, updates a second to the pages that are open) of
    ``count`` printers through the whole fleet."""
    from moonfleet.bridges.bambu import BambuBridge
    from moonfleet.bridges.base import PrinterSettings
    from moonfleet.core.secret import Secret
    from moonfleet.fleet import Fleet
    from moonfleet.instance.printer import VirtualPrinter
    from moonfleet.instance.subscriptions import parse_subscription

    from tests.bridges.bambu.helpers import until
    from tests.unit.instance.house import FakeSink

    class Store:
        async def load_text(self, printer: str, key: str) -> None:
            return None

        async def store_text(self, printer: str, key: str, value: Any) -> None:
            pass

        async def load_open_jobs(self) -> dict[str, Any]:
            return {}

        def save_open_job(self, printer: str, job: Any) -> None:
            pass

    class Page(FakeSink):
        """An open page: it is told everything, and reads it."""

        def send(self, data: bytes) -> None:
            nonlocal told
            told += b"notify_status_update" in data[:80]

    def watch(view: VirtualPrinter) -> None:
        """As Mainsail does on each turn to ready: watch all objects there are."""
        client = pages.setdefault(view.name, view.connect(Page()))
        view.current()
        view.hub.subscribe(client, parse_subscription(dict.fromkeys(view.objects())))

    pages: dict[str, Any] = {}
    told = 0
    servers = Servers(count, idle=False)
    fleet = Fleet(Store())
    seen = 0
    views: dict[str, VirtualPrinter] = {}

    def heard(change: Any) -> None:
        """As in the component: virtual printers hear of every change and tell their clients."""
        nonlocal seen
        views[change.printer].changed(change)
        seen += change.after is not change.before

    fleet.listen(heard)
    for number, port in enumerate(servers.ports):
        fleet.add(
            PrinterSettings(
                name=f"p{number}",
                type="bambu",
                display_name=f"P {number}",
                host="127.0.0.1",
                port=port,
                options={
                    "serial": Target.serial,
                    "access_code": Secret(Target.access_code),
                    "model": None,
                },
            ),
            BambuBridge,
        )
        view = VirtualPrinter(fleet, fleet.printer(f"p{number}"))
        views[f"p{number}"] = view
        watch(view)
    try:
        await fleet.start()
        members = list(fleet._members.values())
        await until(
            lambda: all(m.bridge._courier.connected for m in members),  # type: ignore[union-attr]
            120.0,
        )
        servers.go()
        await until(lambda: all(m.printer.online for m in members), 60.0)
        await asyncio.sleep(2.0)
        seen = told = 0
        start, used = time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        share = (time.process_time() - used) / (time.monotonic() - start)
        return share, seen / seconds, told / seconds
    finally:
        await fleet.stop()
        servers.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="costs of messages only")
    arguments = parser.parse_args()
    rows = message_costs(3 if arguments.quick else 9)
    if not arguments.quick:
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
        rows.append(("memory per idle printer, KiB", asyncio.run(memory_per_printer(60)), 150.0))
        shares = [asyncio.run(load_of_many(PRINTERS, 10.0)) for _ in range(2)]
        share = min(share for share, _, _ in shares)
        reports, updates = (statistics.mean(figures) for figures in list(zip(*shares))[1:])
        text = f"{PRINTERS} printers, {reports:.0f} reports/s, {updates:.0f} mapped and told"
        rows.append((f"{text}: share of a core", share, 0.05))
    missed = 0
    for name, value, limit in rows:
        missed += value > limit
        print(f"{'ok  ' if value <= limit else 'MISS'} {name} {value:.3f} (limit {limit})")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
