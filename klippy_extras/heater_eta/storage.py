# Keeps what was learned: one JSON file per printer, written beside the reactor
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Atomic and versioned. A damaged file is set aside, never a reason not to start.

Reading happens once while klippy connects; writing in a short-lived daemon thread, because a
reactor that waits for a disk stops a print.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import threading
import time
from collections.abc import Mapping
from typing import Any, Optional

VERSION = 1
MAX_SIZE = 4 << 20
ABANDONED = 600.0  # s after which a file that was never finished belongs to nobody


def default_path(config_file: str) -> pathlib.Path:
    """Beside the printer's data: ``printer_data/heater_eta.json`` for ``printer_data/config``."""
    config = pathlib.Path(config_file).expanduser().absolute()
    name = "heater_eta.json"
    if config.stem != "printer":
        name = f"heater_eta-{config.stem}.json"
    folder = config.parent.parent if config.parent.name == "config" else config.parent
    return folder / name


def load(path: pathlib.Path) -> dict[str, Any]:
    """Learned data per heater; empty when there is none or it cannot be used."""
    _clean(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_SIZE + 1)
    except FileNotFoundError:
        return {}
    except OSError as err:
        logging.warning("heater_eta: cannot read %s (%s); starting without it", path, err)
        return {}
    try:
        if len(raw) > MAX_SIZE:
            raise ValueError("too large")
        data = json.loads(raw)
        version = data["version"]
        heaters = data["heaters"]
        if not isinstance(version, int) or not isinstance(heaters, dict):
            raise ValueError("not a heater_eta file")
    except (ValueError, KeyError, TypeError, RecursionError) as err:
        _set_aside(path, str(err) or type(err).__name__)
        return {}
    if version > VERSION:
        _set_aside(path, f"written by a newer version ({version})")
        return {}
    return {str(name): value for name, value in heaters.items() if isinstance(value, dict)}


def _clean(path: pathlib.Path) -> None:
    """Remove what power cuts in the middle of a save have left."""
    with contextlib.suppress(OSError):
        for left in path.parent.glob(f".{path.name}.*"):
            if time.time() - left.stat().st_mtime > ABANDONED:
                left.unlink()


def _set_aside(path: pathlib.Path, reason: str) -> None:
    aside = path.with_name(path.name + ".damaged")
    try:
        os.replace(path, aside)
    except OSError as err:
        logging.warning("heater_eta: %s is unusable (%s) and stays: %s", path, reason, err)
        return
    logging.warning("heater_eta: %s is unusable (%s); kept as %s", path, reason, aside.name)


def save(path: pathlib.Path, heaters: Mapping[str, Any]) -> None:
    """Replace the file in one step; after a power cut it is the old one or the new one."""
    text = json.dumps({"version": VERSION, "heaters": heaters}, separators=(",", ":"))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Store:
    """Saves from a thread of its own, one at a time, the newest data last."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._next: Optional[Mapping[str, Any]] = None
        self._thread: Optional[threading.Thread] = None
        self._complained = False

    def save_soon(self, heaters: Mapping[str, Any]) -> None:
        with self._lock:
            self._next = heaters
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name="heater_eta", daemon=True)
            thread.start()  # where this fails, the next call tries again
            self._thread = thread

    def _run(self) -> None:
        while True:
            with self._lock:
                heaters, self._next = self._next, None
                if heaters is None:
                    self._thread = None
                    return
            try:
                save(self.path, heaters)
                self._complained = False
            except Exception as err:
                if not self._complained:
                    logging.warning("heater_eta: cannot save %s: %s", self.path, err)
                self._complained = True

    def finish(self, timeout: float = 3.0) -> None:
        """Wait for a save under way; only when the reactor has ended."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
