# The demo as a process: it starts what it says, and leaves nothing behind
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Started as install.sh starts it, stopped in every way a person can stop it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.moonraker,
    pytest.mark.skipif(
        importlib.util.find_spec("moonraker") is None, reason="this environment has no Moonraker"
    ),
]


def port_of(sock: socket.socket) -> int:
    sock.bind(("127.0.0.1", 0))
    return sock.getsockname()[1]


def children(folder: str) -> list[str]:
    """Command lines of the processes that mention the demo's folder or came from it."""
    found = []
    for place in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (place / "environ").read_bytes()
            if f"TMPDIR={folder}".encode() in environment.split(b"\0"):
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def until(condition, what: str, timeout: float = 60.0):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"never: {what}")


@pytest.fixture
def demo(tmp_path):
    """Start the demo; the marker in its environment finds every process that came from it."""
    started: list[subprocess.Popen] = []
    # a short path of its own: a unix socket's name is limited
    folder = pathlib.Path("/tmp") / f"mfd-{os.getpid()}-{time.monotonic_ns() % 100000}"
    folder.mkdir()

    def start(*words: str) -> subprocess.Popen:
        output = (tmp_path / "out.txt").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.demo", *words],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        output.close()
        started.append(process)
        return process

    start.output = lambda: (tmp_path / "out.txt").read_text(errors="replace")
    start.folder = folder
    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
    with contextlib.suppress(OSError):
        subprocess.run(["rm", "-rf", str(folder)], check=False)


def page_of(demo, process) -> str:
    def found():
        assert process.poll() is None, demo.output()
        return re.search(r"page\s+(http://\S+)", demo.output())

    return until(found, "the demo prints the address of the page").group(1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_its_page_and_stops_everything(demo, number):
    with socket.socket() as taken:
        port = port_of(taken)
    process = demo("--port", str(port))
    page = page_of(demo, process)
    assert page == f"http://127.0.0.1:{port}/server/moonfleet/ui"
    with urllib.request.urlopen(page, timeout=10) as reply:
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert b"Moonfleet" in reply.read()
    with urllib.request.urlopen(f"{page}/main.js", timeout=10) as reply:
        assert reply.headers["Content-Type"].startswith("text/javascript")
    said = demo.output()
    for name in ("klipper", "x1c", "mk4"):
        assert re.search(rf"^  {name} ", said, re.MULTILINE), said
    assert len(children(str(demo.folder))) >= 5
    process.send_signal(number)
    assert process.wait(30) == 0, demo.output()
    assert "everything is stopped" in demo.output()
    assert children(str(demo.folder)) == []
    assert list(demo.folder.glob("moonfleet-demo-*")) == []


def test_killed_outright_it_leaves_no_orphans(demo):
    process = demo()
    page_of(demo, process)
    process.kill()
    process.wait()
    until(lambda: children(str(demo.folder)) == [], "every process of the demo is gone")


def test_a_taken_port_is_named_and_nothing_stays(demo):
    with socket.socket() as taken:
        port = port_of(taken)
        taken.listen()
        process = demo("--port", str(port))
        assert process.wait(30) == 1
    assert f"port {port} cannot be used" in demo.output()
    assert children(str(demo.folder)) == []
