# Timers, pauses and sockets of the stand-in klippy host, in real or virtual time
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The part of Klipper's reactor that extras use, with its semantics and without greenlets.

A callback may `pause`: the loop then goes on in another strand and returns here later. Strands are
threads of which exactly one runs at any time, so that nothing but the standard library is needed.
"""

from __future__ import annotations

import logging
import os
import queue
import selectors
import threading
import time
from typing import Any, Callable, Optional

LOG = logging.getLogger("klippy_host")


class RealClock:
    virtual = False

    def now(self) -> float:
        return time.monotonic()


class VirtualClock:
    """Time that jumps to the next thing to do."""

    virtual = True

    def __init__(self, start: float = 1000.0) -> None:
        self.time = start

    def now(self) -> float:
        return self.time


class StrandExit(BaseException):
    """Unwinds a strand that is still paused when the reactor is torn down."""


class Strand:
    def __init__(self) -> None:
        self.baton = threading.Semaphore(0)
        self.timer: Optional[Timer] = None


class Timer:
    def __init__(self, callback: Callable[[float], float], waketime: float) -> None:
        self.callback = callback
        self.waketime = waketime
        self.running = False


class Completion:
    _NOTHING = object()

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.result: Any = self._NOTHING
        self.waiting: list[Strand] = []

    def test(self) -> bool:
        return self.result is not self._NOTHING

    def complete(self, result: Any) -> None:
        self.result = result
        for strand in self.waiting:
            if strand.timer is not None:
                self.reactor.update_timer(strand.timer, self.reactor.NOW)

    def wait(self, waketime: float = 9999999999999999.0, waketime_result: Any = None) -> Any:
        if not self.test():
            strand = self.reactor.current
            self.waiting.append(strand)
            self.reactor.pause(waketime)
            self.waiting.remove(strand)
            if not self.test():
                return waketime_result
        return self.result


class Mutex:
    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.is_locked = False
        self.next_pending = False
        self.queue: list[Strand] = []

    def test(self) -> bool:
        return self.is_locked

    def __enter__(self) -> None:
        if not self.is_locked:
            self.is_locked = True
            return
        strand = self.reactor.current
        self.queue.append(strand)
        while True:
            self.reactor.pause(self.reactor.NEVER)
            if self.next_pending and self.queue[0] is strand:
                self.next_pending = False
                self.queue.pop(0)
                return

    def __exit__(self, *exc: object) -> None:
        if not self.queue:
            self.is_locked = False
            return
        self.next_pending = True
        timer = self.queue[0].timer
        if timer is not None:
            self.reactor.update_timer(timer, self.reactor.NOW)


class NoPause:
    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor

    def __enter__(self) -> None:
        self.reactor.no_pause += 1

    def __exit__(self, *exc: object) -> None:
        self.reactor.no_pause -= 1


class Reactor:
    NOW = 0.0
    NEVER = 9999999999999999.0

    def __init__(self, clock: Any = None) -> None:
        self.clock = clock or RealClock()
        self.monotonic = self.clock.now
        self.on_exception: Callable[[], None] = lambda: None
        self.no_pause = 0
        self.current = Strand()
        self._timers: list[Timer] = []
        self._dispatcher: Optional[Strand] = None
        self._idle: list[Strand] = []
        self._strands: list[Strand] = []
        self._running = self._dead = False
        self._ended = threading.Event()
        self._async: queue.SimpleQueue = queue.SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._drain)

    # -- timers and callbacks
    def register_timer(self, callback: Callable[[float], float], waketime: float = NEVER) -> Timer:
        timer = Timer(callback, waketime)
        self._timers = [*self._timers, timer]
        return timer

    def unregister_timer(self, timer: Timer) -> None:
        timer.waketime = self.NEVER
        timers = list(self._timers)
        timers.pop(timers.index(timer))
        self._timers = timers

    def update_timer(self, timer: Timer, waketime: float) -> None:
        if not timer.running:
            timer.waketime = waketime

    def register_callback(
        self, callback: Callable[[float], Any], waketime: float = NOW
    ) -> Completion:
        completion = Completion(self)

        def invoke(eventtime: float) -> float:
            self.unregister_timer(timer)
            completion.complete(callback(eventtime))
            return self.NEVER

        timer = self.register_timer(invoke, waketime)
        return completion

    def register_async_callback(
        self, callback: Callable[[float], Any], waketime: float = NOW
    ) -> None:
        """The only method that other threads may call."""
        self._async.put((callback, waketime))
        try:
            os.write(self._wake_write, b".")
        except OSError:
            pass  # the pipe is full: the loop is already going to wake

    def completion(self) -> Completion:
        return Completion(self)

    def mutex(self, is_locked: bool = False) -> Mutex:
        mutex = Mutex(self)
        mutex.is_locked = is_locked
        return mutex

    def assert_no_pause(self) -> NoPause:
        return NoPause(self)

    # -- sockets
    def register_fd(self, fd: Any, callback: Callable[[float], None]) -> Any:
        return self._selector.register(fd, selectors.EVENT_READ, callback)

    def unregister_fd(self, fd: Any) -> None:
        self._selector.unregister(fd)

    def want_write(self, fd: Any, callback: Callable[[float], None], wanted: bool) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wanted else 0)
        self._selector.modify(fd, events, callback)

    # -- strands
    def pause(self, waketime: float) -> float:
        if self._dispatcher is None:
            raise RuntimeError("the reactor is not running")
        if self.no_pause:
            raise RuntimeError("Internal error - reactor pause disabled")
        strand = self.current
        if strand is not self._dispatcher:
            assert strand.timer is not None
            strand.timer.waketime = waketime
            strand.timer.running = False
            self._switch(strand, self._dispatcher)
            return self.monotonic()
        strand.timer = self.register_timer(lambda eventtime: self._resume(strand), waketime)
        if self._idle:
            successor = self._idle.pop()
            self._dispatcher = successor
            self._switch(strand, successor)
        else:
            successor = self._dispatcher = Strand()
            self._strands.append(successor)
            self.current = successor
            threading.Thread(target=self._strand_main, args=(successor,), daemon=True).start()
            self._await(strand)
        return self.monotonic()

    def _resume(self, strand: Strand) -> float:
        dispatcher = self.current
        self._switch(dispatcher, strand)
        return strand.timer.waketime if strand.timer is not None else self.NEVER

    def _switch(self, here: Strand, there: Strand) -> None:
        self.current = there
        there.baton.release()
        self._await(here)

    def _await(self, strand: Strand) -> None:
        strand.baton.acquire()
        if self._dead:
            raise StrandExit()

    def _strand_main(self, strand: Strand) -> None:
        try:
            self._loop(strand)
        except StrandExit:
            return
        self._ended.set()

    def _call(self, strand: Strand, callback: Callable, *args: Any) -> Any:
        """Run a callback; afterwards this strand leads the loop again, perhaps much later."""
        result: Any = self.NEVER
        try:
            result = callback(*args)
        except Exception:
            LOG.exception("Unhandled exception during run")
            self.on_exception()
        while self._dispatcher is not strand:
            if strand.timer is not None:
                self.unregister_timer(strand.timer)
                strand.timer = None
            self._idle.append(strand)
            assert self._dispatcher is not None
            self._switch(strand, self._dispatcher)
        return result

    # -- main loop
    def _loop(self, strand: Strand) -> None:
        while self._running:
            now = self.monotonic()
            wake = min((timer.waketime for timer in self._timers), default=self.NEVER)
            delay = max(0.0, wake - now)
            if self.clock.virtual:
                ready = self._selector.select(0)
                if not ready and delay > 0.0:
                    if wake >= self.NEVER:
                        ready = self._selector.select(0.05)  # only another thread can go on
                    else:
                        self.clock.time = wake
            else:
                ready = self._selector.select(min(delay, 1.0))
            now = self.monotonic()
            for key, _mask in ready:
                if key.fileobj in self._selector.get_map():
                    self._call(strand, key.data, now)
            for timer in self._timers:
                if now >= timer.waketime:
                    timer.waketime = self.NEVER
                    timer.running = True
                    waketime = self._call(strand, timer.callback, now)
                    timer.running = False
                    timer.waketime = waketime

    def _drain(self, eventtime: float) -> None:
        try:
            os.read(self._wake_read, 4096)
        except OSError:
            pass  # spurious wake
        while not self._async.empty():
            callback, waketime = self._async.get()
            self.register_callback(callback, waketime)

    def run(self) -> None:
        self._running = True
        self._ended.clear()
        first = self._dispatcher = self.current = Strand()
        self._strands.append(first)
        threading.Thread(target=self._strand_main, args=(first,), daemon=True).start()
        self._ended.wait()
        self._dispatcher = None

    def end(self) -> None:
        self._running = False

    def finalize(self) -> None:
        """Unwind what is still paused and free the descriptors."""
        self._dead = True
        for strand in self._strands:
            strand.baton.release()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
