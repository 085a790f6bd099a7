# Figures of the PrusaLink bridge, each beside its limit
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.prusalink [--quick] [--no-library]``; exit code 1 on a miss.

The floor is a client of raw asyncio streams that reads and decodes the same answer. For comparison
the same poll runs through pyprusalink, the library people would otherwise use, in an environment of
its own (made on first use under .envs/, or named by MOONFLEET_PYPRUSALINK).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
for folder in (ROOT, ROOT / "moonraker_components", ROOT / "klippy_extras"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from moonfleet.bridges.base import Link  # noqa: E402
from moonfleet.bridges.prusalink.bridge import PrusaLinkBridge  # noqa: E402
from moonfleet.bridges.prusalink.schedule import Pace  # noqa: E402
from moonfleet.core.model import PrinterSnapshot  # noqa: E402

from tests.bridges.prusalink.stage import Host, settings_for, until  # noqa: E402

RATIO_LIMIT = 4.0
CORE_LIMIT = 0.005
UPLOAD_LIMIT = 5 * 2**20
UPLOAD_SIZE = 100 * 2**20
FLEET = 20
LIBRARY = "pyprusalink==3.1.0"
KEY = "bench-key"

FLOOR = """
import asyncio, json, sys, time
async def main(port, rounds):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = (b"GET /api/v1/status HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n"
               b"X-Api-Key: k\\r\\nAccept: application/json\\r\\n\\r\\n")
    for turn in range(rounds):
        began = time.perf_counter()
        writer.write(request)
        await reader.readuntil(b"\\r\\n\\r\\n")
        size = int(await reader.readline(), 16)
        json.loads((await reader.readexactly(size + 7))[:size])
        spent.append(time.perf_counter() - began)
    writer.close()
spent = []
asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
print(json.dumps(spent))
"""
LIBRARY_CLIENT = """
import asyncio, json, sys, time
import httpx
from pyprusalink import PrusaLink
async def main(port, rounds):
    async with httpx.AsyncClient() as client:
        printer = PrusaLink(client, f"http://127.0.0.1:{port}", "maker", "k")
        for turn in range(rounds):
            began = time.perf_counter()
            await printer.get_status()
            spent.append(time.perf_counter() - began)
spent = []
asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
print(json.dumps(spent))
"""
STATUS = {
    "job": {"id": 129, "progress": 37.0, "time_remaining": 73020, "time_printing": 43987},
    "storage": {"path": "/usb/", "name": "usb", "read_only": False},
    "printer": {
        "state": "PRINTING",
        "temp_bed": 84.9,
        "target_bed": 85.0,
        "temp_nozzle": 214.8,
        "target_nozzle": 215.0,
        "axis_z": 5.0,
        "flow": 100,
        "speed": 100,
        "fan_hotend": 5000,
        "fan_print": 2500,
    },
}
ANSWERS = {
    "/api/version": {"api": "2.0.0", "server": "2.1.2", "text": "PrusaLink", "printer": "1.4.1"},
    "/api/v1/info": {"serial": "bench", "hostname": "bench"},
    "/api/v1/job": {"id": 129, "state": "PRINTING", "file": {"name": "A.BGC", "path": "/usb"}},
    "/api/printer": {"telemetry": {"material": "PLA"}},
}


def serve() -> None:
    """A server that costs next to nothing: prepared answers, chunked as Buddy sends them."""

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport
            self.waiting = b""

        def data_received(self, data: bytes) -> None:
            self.waiting += data
            while b"\r\n\r\n" in self.waiting:
                head, _, self.waiting = self.waiting.partition(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                body = json.dumps(ANSWERS.get(path, STATUS)).encode()
                self.transport.write(  # type: ignore[attr-defined]
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
                )

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Server, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)  # until the bench closes it

    asyncio.run(main())


class Diffing(Host):
    """What the fleet does with each snapshot, as far as it is the bridge's price."""

    def __init__(self) -> None:
        super().__init__()
        self.before = PrinterSnapshot()
        self.polls = 0

    def on_snapshot(self, snapshot: PrinterSnapshot) -> None:
        self.polls += 1
        if snapshot != self.before:
            self.before = snapshot


async def our_polls(port: int, rounds: int) -> list[float]:
    bridge = PrusaLinkBridge(settings_for(port, password="k"), Diffing())
    spent = []
    try:
        for _ in range(rounds):
            began = time.perf_counter()
            await bridge._poll()
            spent.append(time.perf_counter() - began)
    finally:
        await bridge.stop()
    return spent


def child(python: str, program: str, port: int, rounds: int) -> list[float]:
    command = [python, "-c", program, str(port), str(rounds)]
    return list(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def library_python() -> str | None:
    named = os.environ.get("MOONFLEET_PYPRUSALINK")
    if named:
        return named
    place = pathlib.Path(os.environ.get("MOONFLEET_ENVS", ROOT / ".envs")) / "pyprusalink"
    python = place / "bin" / "python"
    if not (place / ".requirements").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", place], check=True, capture_output=True)
            pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", LIBRARY]
            subprocess.run(pip, check=True, capture_output=True)
            (place / ".requirements").write_text(LIBRARY)
        except (OSError, subprocess.CalledProcessError):
            return None
    return str(python)


def poll_ratio(port: int, rounds: int, library: str | None) -> tuple[float, float, float | None]:
    """(floor in us, ours / floor, library / floor): medians of blocks that take turns."""
    asyncio.run(our_polls(port, 200))
    floors, ours, libraries = [], [], []
    for _ in range(5):
        floors.append(statistics.median(child(sys.executable, FLOOR, port, rounds)))
        ours.append(statistics.median(asyncio.run(our_polls(port, rounds))))
        if library is not None:
            spent = child(library, LIBRARY_CLIENT, port, max(100, rounds // 5))
            libraries.append(statistics.median(spent[10:]))
    floor = statistics.median(floors)
    theirs = statistics.median(libraries) / floor if libraries else None
    return floor * 1e6, statistics.median(ours) / floor, theirs


async def fleet_share(port: int, seconds: float) -> tuple[float, int]:
    """The share of one core that twenty printing printers cost at the documented pace."""
    hosts = [Diffing() for _ in range(FLEET)]
    bridges = [PrusaLinkBridge(settings_for(port, password="k"), host) for host in hosts]
    for bridge in bridges:
        await bridge.start()
    await until(lambda: all(host.link is Link.ONLINE for host in hosts))
    await asyncio.sleep(1.0)
    before, polls = _cpu(), sum(host.polls for host in hosts)
    await asyncio.sleep(seconds)
    spent, polls = _cpu() - before, sum(host.polls for host in hosts) - polls
    for bridge in bridges:
        await bridge.stop()
    return spent / seconds, polls


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident() -> int:
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def upload_memory(port: int, size: int) -> tuple[int, float, int]:
    """(bytes over idle at the worst moment, MiB/s, polls meanwhile) of one streamed upload."""
    pace = Pace(fast=0.02, active=0.02, idle=0.02, idle_python=0.02)
    host = Diffing()
    bridge = PrusaLinkBridge(settings_for(port, password=KEY), host, pace)
    await bridge.start()
    await until(lambda: host.link is Link.ONLINE)
    block = b"G1 X100.000 Y100.000 E0.05000\n" * 2185

    async def source(total: int) -> AsyncIterator[bytes]:
        while total > 0:
            await asyncio.sleep(0.001)  # as a disk or a browser delivers: polls shall fit in
            yield block[:total]
            total -= len(block)

    await bridge.files.upload("warm.gcode", lambda: source(2**20), 2**20)
    idle, worst = _resident(), 0

    def watch(_: int) -> None:
        nonlocal worst
        worst = max(worst, _resident() - idle)

    polls, began = host.polls, time.perf_counter()
    await bridge.files.upload("big.gcode", lambda: source(size), size, progress=watch)
    spent = time.perf_counter() - began
    polls = host.polls - polls
    await bridge.stop()
    return worst, size / 2**20 / spent, polls


def imports_nothing() -> bool:
    """The type can be known, and even made, without aiohttp being imported."""
    program = (
        "import sys; sys.path[:0] = ['.', 'moonraker_components']\n"
        "from tests.bridges.prusalink.stage import Host, settings_for\n"
        "from moonfleet.bridges.base import bridge_types\n"
        "import moonfleet.bridges.prusalink.bridge\n"
        "bridge_types()['prusalink'].create(settings_for(1, password='x'), Host())\n"
        "sys.exit('aiohttp' in sys.modules)"
    )
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def report(name: str, value: str, limit: str, good: bool) -> bool:
    print(f"{'ok  ' if good else 'MISS'}  {name:<58} {value:>14}   limit {limit}")
    return good


def emulator() -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-m", "tests.emulators.prusalink", "--no-autopilot"]
    process = subprocess.Popen(
        [*command, "--password", KEY], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    return process, int(line.split("port=")[1].split()[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a smaller upload")
    parser.add_argument("--no-library", action="store_true", help="leave pyprusalink out")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return 0
    quick = options.quick
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.prusalink", "--serve"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    printer, printer_port = emulator()
    good = True
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        library = None if options.no_library else library_python()
        floor, ours, theirs = poll_ratio(port, 400 if quick else 1500, library)
        good &= report(
            f"one poll, sent to diffed, over a streams floor of {floor:.0f} us",
            f"{ours:.1f} times",
            f"{RATIO_LIMIT:.0f}",
            ours <= RATIO_LIMIT,
        )
        said = "not installed" if theirs is None else f"{theirs:.1f} times"
        print(f"      {'the same poll through ' + LIBRARY:<58} {said:>14}")
        share, polls = asyncio.run(fleet_share(port, 6.0 if quick else 20.0))
        good &= report(
            f"share of a core, {FLEET} printers printing, {polls} polls",
            f"{100 * share:.2f} %",
            f"{100 * CORE_LIMIT:.1f} %",
            share < CORE_LIMIT,
        )
        good &= report("aiohttp before a printer connects", *_import_words(imports_nothing()))
        size = UPLOAD_SIZE // 10 if quick else UPLOAD_SIZE
        worst, rate, polls = asyncio.run(upload_memory(printer_port, size))
        good &= report(
            f"memory over idle, {size >> 20} MiB upload, {rate:.0f} MiB/s, {polls} polls beside it",
            f"{worst / 2**20:.1f} MiB",
            f"{UPLOAD_LIMIT >> 20} MiB",
            worst < UPLOAD_LIMIT and polls > 3,
        )
    finally:
        printer.terminate()
        printer.wait()
        server.communicate()
    return 0 if good else 1


def _import_words(absent: bool) -> tuple[str, str, bool]:
    return ("not imported" if absent else "imported", "not imported", absent)


if __name__ == "__main__":
    sys.exit(main())
