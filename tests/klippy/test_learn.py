# Learning from klippy.log files, and the file that keeps what was learned
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python3 -m klippy_extras.heater_eta.learn`` on logs of the stand-in and of real hosts."""

from __future__ import annotations

import json
import os
import pathlib
import random
import subprocess
import sys
import threading
from typing import Any, Callable

import pytest

from klippy_extras.heater_eta import klippylog, learn, storage
from klippy_extras.heater_eta.thermal.tracker import HeaterTracker

Play = Callable[..., dict[str, Any]]
ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_learns_from_the_logs_that_a_user_has(
    play: Play, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = play("logs:log")
    (tmp_path / "heater_eta.json").unlink(missing_ok=True)
    output = tmp_path / "learned.json"
    log = tmp_path / "klippy.log"
    assert learn.main([str(log), "--output", str(output)]) == 0
    said = capsys.readouterr().out
    assert "extruder: " in said and "heater_bed: " in said
    learned = storage.load(output)
    assert learned["extruder"]["heats"] == 3, "three heat-ups; the calibration is none"
    assert learned["heater_bed"]["heats"] == 3
    # a printer that starts with this file knows how long it will take
    specs = next(e for e in read(log) if isinstance(e, klippylog.Configured)).specs
    assert specs["extruder"].control == "pid" and specs["extruder"].gains is not None
    tracker = HeaterTracker(specs["extruder"], learned["extruder"])
    predicted = tracker.predict(23.0, 210.0)
    assert predicted is not None
    assert abs(predicted - data["took"][0]) < 0.25 * data["took"][0]
    # once more: nothing is learned twice
    assert learn.main([str(log), "--output", str(output)]) == 0
    assert "kept as it was" in capsys.readouterr().out
    assert storage.load(output) == learned
    assert learn.main([str(log), "--output", str(output), "--replace"]) == 0
    assert storage.load(output)["extruder"]["heats"] == 3


def read(path: pathlib.Path) -> list[klippylog.Event]:
    with path.open(encoding="utf-8") as stream:
        return list(klippylog.read_log(stream))


def test_rotated_logs_are_read_in_order(tmp_path: pathlib.Path) -> None:
    late, early = tmp_path / "klippy.log", tmp_path / "klippy.log.2026-01-01"
    late.write_text("Start printer at Fri (200.0 5.0)\n", encoding="utf-8")
    early.write_text("x\nStart printer at Thu (100.0 5.0)\n", encoding="utf-8")
    assert learn.first_start(early) < learn.first_start(late)


def test_the_default_place_is_beside_the_printers_data(tmp_path: pathlib.Path) -> None:
    data = tmp_path / "printer_data"
    log = data / "logs" / "klippy.log"
    assert learn.default_output([log]) == data / "heater_eta.json"
    assert storage.default_path(str(data / "config" / "printer.cfg")) == data / "heater_eta.json"
    other = storage.default_path(str(data / "config" / "second.cfg"))
    assert other == data / "heater_eta-second.json"


def test_nothing_to_learn_from(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.log"
    empty.write_bytes(b"\xff\xfe\x00 nothing\n" * 10)
    assert learn.main([str(empty), str(tmp_path / "missing.log")]) == 1
    said = capsys.readouterr().err
    assert "missing.log: cannot be read" in said and "no heater found" in said
    assert "empty.log: nothing to learn from: is it a klippy.log?" in said
    assert not list(tmp_path.glob("*.json"))


def test_as_a_user_runs_it(tmp_path: pathlib.Path) -> None:
    """From the folder of the project, with any Python, nothing installed."""
    junk, silent, good = (tmp_path / f"{name}.log" for name in ("junk", "silent", "good"))
    junk.write_bytes(random.Random(1).randbytes(200_000))
    silent.write_text("Stats 1.0: mcu: mcu_awake=0.001\n" * 50, encoding="utf-8")
    good.write_text(
        "".join(
            f"Stats {t}.0: extruder: target=200 temp={200 - 175 * 0.97**t:.1f} pwm=0.900\n"
            for t in range(1, 200)
        ),
        encoding="utf-8",
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-S", "-m", "klippy_extras.heater_eta.learn", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    none = run(str(tmp_path / "missing.log"))
    assert none.returncode == 1 and "missing.log: cannot be read (No such file" in none.stderr
    for log in (junk, silent, tmp_path):
        nothing = run(str(log))
        assert nothing.returncode == 1 and str(log) in nothing.stderr
        assert "Traceback" not in nothing.stderr
    assert not list(tmp_path.glob("*.json"))
    some = run(str(junk), str(good))
    assert some.returncode == 0, some.stderr
    assert f"{good}: 199 Stats lines with heaters" in some.stdout
    assert "extruder: 199 readings, 1 heat-ups, 1 learned; 23 to 210 C and ready" in some.stdout
    assert "junk.log: nothing to learn from" in some.stderr
    assert storage.load(tmp_path / "heater_eta.json")["extruder"]["heats"] == 1
    blocked = run(str(good), "--output", str(junk / "eta.json"))
    assert blocked.returncode == 1 and "cannot write" in blocked.stderr


def test_hostile_lines_are_passed_over() -> None:
    rng = random.Random(7)
    good = "Stats 12.5: gcodein=0 extruder: target=200 temp=25.1 pwm=1.000"
    lines = [
        good,
        "===== Config file =====",
        "[extruder",
        "pid_kp = x",
        "=======================",
        good,
    ]
    for _ in range(2000):
        line = list(rng.choice(lines))
        for _ in range(rng.randrange(4)):
            line[rng.randrange(len(line))] = chr(rng.randrange(1, 0x3000))
        lines.append("".join(line))
    lines.append("Stats 1.0: " + "a" * 10_000_000)
    events = list(klippylog.read_log(lines))
    assert any(isinstance(event, klippylog.Reading) for event in events)


# -- the learned file


def test_saved_and_loaded(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "deep" / "eta.json"
    assert storage.load(path) == {}
    storage.save(path, {"extruder": {"version": 1}})
    assert storage.load(path) == {"extruder": {"version": 1}}
    assert [p.name for p in path.parent.iterdir()] == ["eta.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 1}',
        '{"version": "1", "heaters": {}}',
        '{"version": 1, "heaters": []}',
        '{"version": 99, "heaters": {}}',
        "[" * 100000,
        "\x00" * 100,
    ],
)
def test_a_damaged_file_is_set_aside_with_one_line(
    tmp_path: pathlib.Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "eta.json"
    path.write_text(text, encoding="utf-8")
    assert storage.load(path) == {}
    assert not path.exists()
    assert (tmp_path / "eta.json.damaged").read_text(encoding="utf-8") == text
    assert len(caplog.records) == 1
    assert storage.load(path) == {}
    assert len(caplog.records) == 1


def test_parts_that_are_no_data_are_dropped(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "eta.json"
    path.write_text('{"version": 1, "heaters": {"a": 1, "b": {"x": 2}}}', encoding="utf-8")
    assert storage.load(path) == {"b": {"x": 2}}


def test_a_power_cut_leaves_the_old_file_or_the_new_one(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "eta.json"
    storage.save(path, {"a": {"n": 1}})

    def cut(*_: Any) -> None:
        raise OSError("power cut")

    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(storage.os, step, cut)
            with pytest.raises(OSError):
                storage.save(path, {"a": {"n": 2}})
        assert json.loads(path.read_text(encoding="utf-8"))["heaters"] == {"a": {"n": 1}}
        assert [p.name for p in tmp_path.iterdir()] == ["eta.json"]


SAVER = """
import os, pathlib, sys
from klippy_extras.heater_eta import storage
path, stage = pathlib.Path(sys.argv[1]), sys.argv[2]

def stop(*args):
    print("here", flush=True)
    sys.stdin.read()

class HalfWritten:
    def __init__(self, stream):
        self.stream = stream
    def __getattr__(self, name):
        return getattr(self.stream, name)
    def __enter__(self):
        return self
    def __exit__(self, *args):
        self.stream.close()
    def write(self, text):
        self.stream.write(text[: len(text) // 2])
        self.stream.flush()
        stop()

if stage == "write":
    real = pathlib.Path.open
    pathlib.Path.open = lambda self, *args, **more: HalfWritten(real(self, *args, **more))
else:
    setattr(os, stage, stop)
storage.save(path, {"a": {"n": 2, "pad": "x" * 200000}})
"""


@pytest.mark.parametrize("stage", ["write", "fsync", "replace"])
def test_a_process_killed_in_the_middle_of_a_save(tmp_path: pathlib.Path, stage: str) -> None:
    """Killed at each step: the old file is whole, and what was left goes away by itself."""
    path = tmp_path / "eta.json"
    storage.save(path, {"a": {"n": 1}})
    command = [sys.executable, "-c", SAVER, str(path), stage]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.kill()
    assert storage.load(path) == {"a": {"n": 1}}
    [left] = [p for p in tmp_path.iterdir() if p != path]
    # another process may be at it right now: only an old one belongs to nobody
    old = left.stat().st_mtime - 2 * storage.ABANDONED
    os.utime(left, (old, old))
    storage.save(path, {"a": {"n": 3}})
    assert storage.load(path) == {"a": {"n": 3}}
    assert [p.name for p in tmp_path.iterdir()] == ["eta.json"]


def test_the_reactors_thread_never_writes(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers: list[threading.Thread] = []
    monkeypatch.setattr(
        storage, "save", lambda path, heaters: writers.append(threading.current_thread())
    )
    store = storage.Store(tmp_path / "eta.json")
    store.save_soon({"a": {}})
    store.finish()
    assert len(writers) == 1 and writers[0] is not threading.current_thread()
    assert writers[0].daemon, "a hanging disk must not hang the host's exit"


def test_the_store_writes_the_newest_and_complains_once(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = storage.Store(tmp_path / "eta.json")
    for number in range(50):
        store.save_soon({"a": {"n": number}})
    store.finish()
    assert storage.load(store.path) == {"a": {"n": 49}}
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    store = storage.Store(blocked / "eta.json")
    for _ in range(3):
        store.save_soon({"a": {}})
        store.finish()
    assert len([r for r in caplog.records if "cannot save" in r.message]) == 1
