# The printer's storage: FTPS in a thread, one transfer at a time
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What the rest of the house sees of ``ftps``."""

from __future__ import annotations

import asyncio
import functools
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, NamedTuple, Optional, TypeVar

from ...core.errors import CommandRejected
from ...core.model import SlicedPlate
from ..base import BridgeFiles, RemoteEntry
from .ftps import FtpsSession
from .protocol import threemf
from .protocol.listing import safe_path

MAX_3MF = 200 * 1024 * 1024  # larger ones are not looked into
CACHED = 16
QUEUE_BLOCKS = 4
_T = TypeVar("_T")


@functools.lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=3, thread_name_prefix="moonfleet-ftps")


class _Sliced(NamedTuple):
    """What the slicer left in a file for people."""

    image: Optional[bytes] = None
    plates: tuple[SlicedPlate, ...] = ()


class BambuFiles(BridgeFiles):
    """``connect`` makes a session, ``load_pin`` says what certificate is expected, ``busy`` why a
    transfer would hurt now (or None), ``start_print`` prints a stored file."""

    def __init__(
        self,
        connect: Callable[[], FtpsSession],
        load_pin: Callable[[], Awaitable[Optional[str]]],
        busy: Callable[[], Optional[str]],
        start_print: Callable[[str], Awaitable[None]],
    ) -> None:
        self._connect = connect
        self._load_pin = load_pin
        self._busy = busy
        self._start_print = start_print
        self._turn = asyncio.Lock()
        self._known: OrderedDict[tuple[str, Optional[int]], _Sliced] = OrderedDict()

    async def list(self, folder: str = "") -> list[RemoteEntry]:
        path = safe_path(folder)
        return await self._with_session(lambda session: session.list(path))

    async def upload(
        self,
        path: str,
        open_source: Callable[[], AsyncIterator[bytes]],
        size: int,
        *,
        start: bool = False,
        overwrite: bool = True,
        progress: Optional[Callable[[int], None]] = None,
    ) -> None:
        target = safe_path(path)
        if not target:
            raise CommandRejected("the upload needs a file name")
        self._check_not_busy()
        loop = asyncio.get_running_loop()
        source = open_source()

        def blocks() -> Iterator[bytes]:
            iterator = source.__aiter__()
            while True:
                block = asyncio.run_coroutine_threadsafe(_next(iterator), loop).result()
                if block is None:
                    return
                yield block

        def sent(count: int) -> None:
            if progress is not None:
                loop.call_soon_threadsafe(progress, count)

        def work(session: FtpsSession) -> None:
            if not overwrite and session.size(target) is not None:
                raise CommandRejected(f"the printer has a file '{target[-60:]}' already")
            stored = session.store(target, blocks(), sent)
            if stored != size:
                raise CommandRejected(
                    f"the printer shows {stored} of {size} bytes: the upload is not complete"
                )

        await self._with_session(work)
        if start:
            await self._start_print(target)

    async def download(self, path: str) -> AsyncIterator[bytes]:
        target = safe_path(path)
        self._check_not_busy()
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Optional[bytes]] = asyncio.Queue(QUEUE_BLOCKS)
        ended = False

        def work(session: FtpsSession) -> None:
            for block in session.retrieve(target):
                asyncio.run_coroutine_threadsafe(queue.put(block), loop).result()
                if ended:
                    return

        async def run() -> None:
            try:
                await self._with_session(work)
            finally:
                await queue.put(None)

        task = asyncio.ensure_future(run())
        try:
            while True:
                block = await queue.get()
                if block is None:
                    break
                yield block
            await task
        finally:
            ended = True
            while not task.done():  # the thread may wait for room in the queue
                while not queue.empty():
                    queue.get_nowait()
                await asyncio.wait([task], timeout=0.05)
            if not task.cancelled():
                task.exception()

    async def delete(self, path: str) -> None:
        target = safe_path(path)

        def work(session: FtpsSession) -> None:
            if session.size(target) is None:
                session.remove_folder(target)
                return
            session.delete(target)
            if session.size(target) is not None:
                raise CommandRejected(f"the printer still shows '{target[-60:]}'")

        await self._with_session(work)

    async def make_folder(self, path: str) -> None:
        target = safe_path(path)
        above, _, name = target.rpartition("/")

        def work(session: FtpsSession) -> None:
            session.make_folder(target)
            if not any(entry.path == target and entry.folder for entry in session.list(above)):
                raise CommandRejected(f"the printer does not show a folder '{name[-60:]}'")

        await self._with_session(work)

    async def thumbnail(self, path: str) -> Optional[tuple[str, bytes]]:
        image = (await self._sliced(path)).image
        return None if image is None else ("image/png", image)

    async def plates(self, path: str) -> tuple[SlicedPlate, ...]:
        return (await self._sliced(path)).plates

    # -- inside ----------------------------------------------------------------------------

    async def _sliced(self, path: str) -> _Sliced:
        """What is inside a 3MF file, fetched once; nothing while a transfer would hurt."""
        target = safe_path(path)
        if not target.lower().endswith(".3mf") or self._busy() is not None:
            return _Sliced()

        def work(session: FtpsSession) -> tuple[Optional[int], _Sliced]:
            size = session.size(target)
            known = self._known.get((target, size))
            if known is not None:
                return size, known
            if size is None or size > MAX_3MF:
                return size, _Sliced()
            with tempfile.TemporaryFile() as file:
                for block in session.retrieve(target):
                    file.write(block)
                return size, _Sliced(threemf.thumbnail(file), tuple(threemf.plates(file)))

        size, found = await self._with_session(work)
        self._known[(target, size)] = found
        self._known.move_to_end((target, size))
        while len(self._known) > CACHED:
            self._known.popitem(last=False)
        return found

    def _check_not_busy(self) -> None:
        reason = self._busy()
        if reason is not None:
            raise CommandRejected(reason)

    async def _with_session(self, work: Callable[[FtpsSession], _T]) -> _T:
        pin = await self._load_pin()

        def run() -> _T:
            session = self._connect()
            try:
                session.open(pin)
                return work(session)
            finally:
                session.close()

        await self._turn.acquire()
        future = asyncio.get_running_loop().run_in_executor(_threads(), run)
        future.add_done_callback(self._over)
        # a caller that gives up does not end the thread: the next one waits for it
        return await asyncio.shield(future)

    def _over(self, future: asyncio.Future[Any]) -> None:
        self._turn.release()
        if not future.cancelled():
            future.exception()  # retrieved, should the caller be gone


async def _next(iterator: Any) -> Optional[bytes]:
    try:
        block: bytes = await iterator.__anext__()
    except StopAsyncIteration:
        return None
    return block
