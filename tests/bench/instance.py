# Virtual printers under load, in a real Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.instance [--seconds N]``

Every figure stands beside its limit; exit status 1 when one is missed. The lag is measured inside
Moonraker's own loop; its control is a bare event loop in a process apart, in the same moments. The
control of the load is the same Moonraker with the same printers reporting and nobody watching.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import pathlib
import resource
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterable
from typing import Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "moonraker_components"))

from tests.bench.instance_clients import Watcher, half_open, stalled, watch  # noqa: E402
from tests.bench.loop_lag import samples  # noqa: E402
from tests.moonraker.director import Director, bambu  # noqa: E402
from tests.moonraker.real import BASE, Moonraker  # noqa: E402
from tests.unit.instance.house import FakeSink, House  # noqa: E402

PRINTERS, WATCHERS, RATE = 20, 40, 2.0
STALLED, HALF_OPEN = 50, 20
INFO = "/websocket/moonfleet/{}/server/info"
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1024 * 1024
Row = tuple[str, float, Optional[float], str]


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


async def control(seconds: float) -> list[float]:
    """How late a bare loop in a process of its own wakes up, meanwhile (ms)."""
    probe = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.loop_lag", "--seconds", str(seconds)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    output, _ = await probe.communicate()
    return [float(line) for line in output.split()]


async def stalled_clients(moonraker: Moonraker, names: list[str]) -> list[Row]:
    """Sockets that ask and never read, and some that went away without a word."""
    assert moonraker.process is not None
    pid, port = moonraker.process.pid, moonraker.port
    before, most = rss(pid), 0.0
    lines = [await asyncio.to_thread(stalled, port, names[n % 5]) for n in range(STALLED)]
    for n in range(HALF_OPEN):
        lines.append(await asyncio.to_thread(half_open, port, names[5 + n % 5], n % 2 == 0))

    async def held() -> int:
        counts = [await moonraker.get(INFO.format(name)) for name in names[:10]]
        return sum(int(info["websocket_count"]) for info in counts)

    began = time.monotonic()
    at_first = await held()
    while time.monotonic() < began + 90.0:
        most = max(most, rss(pid) - before)
        left = await held()
        if not left:
            break
        await asyncio.sleep(0.5)
    took = time.monotonic() - began
    for line in lines:
        line.close()
    return [
        (f"{STALLED} stalled and {HALF_OPEN} half-open clients", most, 20.0, "MiB"),
        (f"of {at_first} such sockets, held after {took:.0f} s", left, 0.0, ""),
    ]


async def crowd(seconds: float, folder: pathlib.Path) -> list[Row]:
    # cold: a heater that heats would add a countdown of its own to the reports
    cold = {"extruder": {"temperature": 25.0, "target": 0.0}}
    printers = {f"p{number}": bambu(heaters=cold) for number in range(PRINTERS)}
    async with Director(**printers) as director:
        config = director.config().replace("\n", ", tests.bench.loop_lag\n", 1)
        lag_file = str(folder) + ".lag"
        environ = {"PYTHONPATH": str(ROOT), "MOONFLEET_LAG": lag_file}
        moonraker = Moonraker(folder, config, environ=environ)
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
                bare_pairs = await control(seconds)
            delays = [
                (when - reporter.sent[mark]) * 1000.0
                for pair in pairs
                for mark, when in pair.arrived.items()
                if mark in reporter.sent
            ]
            more = [await watch(port, name) for name in printers for _ in range(WATCHERS - 2)]
            everybody = pairs + more
            async with Reporter(director, RATE):
                since = time.monotonic()
                (share, rate), bare = await asyncio.gather(
                    load(pid, everybody, seconds), control(seconds)
                )
                lag = samples(lag_file, since)
            async with Reporter(director, 4.0):
                share_fast, rate_fast = await load(pid, everybody, seconds)
            for watcher in everybody:
                watcher.transport.abort()
            await asyncio.sleep(2.0)
            async with Reporter(director, 4.0):
                stalls = await stalled_clients(moonraker, list(printers))
        finally:
            await asyncio.to_thread(moonraker.stop)
    per_message = (share_fast - alone_fast) / rate_fast * 1e6
    return [
        (f"messages a second, {PRINTERS} printers x {WATCHERS} clients", rate, None, ""),
        ("share of one core for them", (share - alone) * 100, 6.0, "%"),
        (f"a message at {rate_fast:.0f} a second", per_message, 20.0, "us"),
        ("loop lag p99 over a bare loop", percentile(lag) - percentile(bare), 10.0, "ms"),
        ("  of it the bare loop's own", percentile(bare), None, "ms"),
        (
            "report to client p99 over a bare loop",
            percentile(delays) - percentile(bare_pairs),
            25.0,
            "ms",
        ),
        *stalls,
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


async def component(folder: pathlib.Path) -> tuple[float, float, float]:
    """MiB of a Moonraker without the component, and what it costs more with five, with none."""
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
    return found[0], found[1] - found[0], found[2] - found[0]


async def main(seconds: float) -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    with tempfile.TemporaryDirectory() as folder:
        rows = await crowd(seconds, pathlib.Path(folder) / "crowd")
        rows.append(("a virtual printer after 30 minutes", await one_printer(), 1024.0, "KiB"))
        alone, five, none = await component(pathlib.Path(folder) / "component")
        rows.append(("  a Moonraker of its own instead", alone, None, "MiB"))
        rows.append(("the component with five printers", five, 25.0, "MiB"))
        rows.append(("the component with nothing configured", none, 25.0, "MiB"))
    missed = 0
    for what, value, limit, unit in rows:
        bad = limit is not None and value > limit
        missed += bad
        beside = f"limit {limit:g} {unit}" if limit is not None else ""
        print(f"{what:52} {value:9.2f} {unit:4} {beside:18} {'MISSED' if bad else 'ok'}")
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.seconds)))
