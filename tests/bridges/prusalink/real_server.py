# The real PrusaLink server as a process, with a simulated MK3S
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Found by MOONFLEET_PRUSALINK (its Python) or in .envs/prusalink; ``available`` says why not."""

from __future__ import annotations

import functools
import hashlib
import os
import pathlib
import socket
import subprocess
from typing import Optional

from tests.emulators.prusalink.mk3 import SimulatedMk3

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
LAUNCHER = ROOT / "tests" / "emulators" / "prusalink" / "real" / "launcher.py"
USER, PASSWORD, API_KEY = "bridge", "Real-Secret-4711", "RealApiKey0815471"


def python() -> pathlib.Path:
    envs = pathlib.Path(os.environ.get("MOONFLEET_ENVS", ROOT / ".envs"))
    return pathlib.Path(os.environ.get("MOONFLEET_PRUSALINK", envs / "prusalink/bin/python"))


@functools.lru_cache(maxsize=1)
def missing() -> Optional[str]:
    """Why the real server cannot run here, or None."""
    if not python().exists():
        return "no real PrusaLink: make .envs/prusalink with 'pip install prusalink==0.8.1'"
    done = subprocess.run([python(), "-c", "import prusa.link.daemon"], capture_output=True)
    return None if done.returncode == 0 else "the installed PrusaLink server cannot be imported"


class RealPrusaLink:
    def __init__(self, folder: pathlib.Path, pace: float = 0.0) -> None:
        self.folder = folder
        self.port = _free_port()
        self.printer = SimulatedMk3(folder / "ttyMK3", pace)
        digest = hashlib.md5(f"{USER}:Administrator:{PASSWORD}".encode()).hexdigest()
        (folder / "prusa_printer_settings.ini").write_text(
            "[printer]\ntype = MK3S\nname = Simulated\nlocation = Loopback\n"
            f"[service::local]\nenable = 1\nusername = {USER}\ndigest = {digest}\n"
            f"api_key = {API_KEY}\n[service::connect]\nhostname = 127.0.0.1\nport = 1\n"
            "tls = False\ntoken =\n"
        )
        config = folder / "prusalink.ini"
        config.write_text(
            f"[daemon]\ndata_dir = {folder}\n[http]\naddress = 127.0.0.1\nport = {self.port}\n"
            f"[printer]\nport = {self.printer.link}\n[cameras]\nauto_detect = False\n"
        )
        self.log = (folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            [python(), LAUNCHER, "-f", "-i", "-c", config],
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self.printer.close()
        self.log.close()

    def tail(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")[-3000:]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
