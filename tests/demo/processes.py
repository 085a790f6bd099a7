# Starts and stops the demo's processes, leaving none behind
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Each process leads a group of its own, writes to its own log, and dies with the demo."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import pathlib
import re
import signal
from typing import Optional

PATIENCE = 6.0  # seconds between asking a process to end and ending it
PR_SET_PDEATHSIG = 1
# loaded here: after a fork only plain calls are safe
_LIBC = ctypes.CDLL(None, use_errno=True)


class DemoError(Exception):
    """One sentence that ends the demo."""


def _die_with_parent() -> None:
    """Even a demo that is killed outright leaves nothing running (Linux only)."""
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    def __init__(self, name: str, logs: pathlib.Path, marker: str = r"ready\b"):
        self.name = name
        self.marker = re.compile(marker)  # begins the line that says that it serves
        self.log = logs / f"{name}.log"
        self._process: Optional[asyncio.subprocess.Process] = None
        self._ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reader: Optional[asyncio.Task[None]] = None

    async def start(self, *command: object, cwd: pathlib.Path) -> None:
        environment = dict(os.environ, PYTHONUNBUFFERED="1")
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(str(word) for word in command),
                cwd=cwd,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        """Keep what it prints, and notice the line that says that it serves."""
        assert self._process is not None and self._process.stdout is not None
        with self.log.open("ab") as log:
            async for line in self._process.stdout:
                log.write(line)
                log.flush()
                text = line.decode(errors="replace").strip()
                if self.marker.match(text) and not self._ready.done():
                    self._ready.set_result(text)

    async def ready(self, timeout: float = 30.0) -> str:
        """The line that says that it serves; raises ``DemoError`` when it ends or stays silent."""
        assert self._process is not None
        ended = asyncio.create_task(self._process.wait())
        both: set[asyncio.Future] = {ended, self._ready}
        try:
            await asyncio.wait(both, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if self._ready.done():
            return self._ready.result()
        raise DemoError(f"{self.name} did not start: {self.last_words()}")

    async def ended(self) -> str:
        """Waits until the process ends by itself; says so."""
        assert self._process is not None
        code = await self._process.wait()
        return f"{self.name} ended unexpectedly (code {code}): {self.last_words()}"

    def last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else f"nothing in {self.log}"
        return f"no {self.log}"

    async def stop(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            self._signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), PATIENCE)
            except asyncio.TimeoutError:
                pass  # it had its chance
        # the leader is gone or deaf; whatever is left of its group goes too
        self._signal(signal.SIGKILL)
        await process.wait()
        if self._reader is not None:
            await self._reader

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
