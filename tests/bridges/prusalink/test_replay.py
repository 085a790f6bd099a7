# The recorded exchanges of the real server, replayed to the whole bridge
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Status line, headers and body as recorded, checked by the recorded length of each body."""

from __future__ import annotations

import json
import pathlib
from collections.abc import AsyncIterator

import pytest
from moonfleet.bridges.base import Link
from moonfleet.core.commands import Action, Command
from moonfleet.core.errors import CommandRejected, MoonfleetError
from moonfleet.core.model import PrinterSnapshot, PrintState

from .replay import Replay, as_bytes, replayed
from .stage import Host, until

STORY = [
    ("status_idle_before_first_telemetry", PrintState.STANDBY),
    ("status_idle", PrintState.STANDBY),
    ("status_printing_heating", PrintState.PRINTING),
    ("status_printing", PrintState.PRINTING),
    ("status_paused", PrintState.PAUSED),
    ("status_attention_while_printing", PrintState.PAUSED),
    ("status_printing", PrintState.PRINTING),
    ("status_finished", PrintState.COMPLETE),
    ("status_idle", PrintState.STANDBY),
    ("status_printing_stale_progress_right_after_start", PrintState.PRINTING),
    ("status_stopped", PrintState.CANCELLED),
    ("status_ready", PrintState.STANDBY),
    ("status_error_maxtemp", PrintState.ERROR),
    ("status_after_firmware_reboot", PrintState.STANDBY),
    ("status_error_serial_lost", PrintState.ERROR),
]


async def test_a_day_of_the_recorded_printer(captures: pathlib.Path) -> None:
    async with replayed(captures) as (replay, host, _):
        await until(lambda: host.link is Link.CONNECTING and host.message)
        shown: list[PrinterSnapshot] = []
        for name, state in STORY:
            replay.put("/api/v1/status", name)
            if "printing" in name:
                replay.put(
                    "/api/v1/job",
                    "job_printing" if "stale" not in name else "job_printing_subdir",
                )
            count = len(replay.asked)
            await until(lambda c=count: len(replay.asked) >= c + 3, name)  # type: ignore[misc]
            assert host.last.state is state, name
            shown.append(host.last)
        assert shown[0].heaters == {}
        assert (shown[1].model, shown[1].firmware) == ("MK3S", "3.14.1-8237")
        attention, stale = shown[5].job, shown[9].job
        assert attention is not None and attention.progress == 0.3, "kept from before"
        assert attention.name == "cube.gcode"
        assert stale is not None and stale.progress is None, "the last job's is not believed"
        assert shown[12].message == "Firmware detected a hardware issue"
        assert shown[14].message == "Serial device does not exist"
        assert [known.state for known in host.connections] == [Link.CONNECTING, Link.ONLINE]


async def test_the_recorded_challenge_is_answered_in_its_own_words(captures: pathlib.Path) -> None:
    async with replayed(captures) as (replay, host, _):
        replay.put("/api/v1/status", "status_idle")
        await until(lambda: host.link is Link.ONLINE)
        signed = [head for path, head in replay.asked if path == "/api/v1/status"][-1]
        assert 'algorithm="MD5-sess"' in signed and "qop=auth" in signed
        assert 'opaque="49960de5880e8c687434170f6476605b8fe4aeb9a28632c7995cf3ba831d9763"' in signed
        unsigned = [head for _, head in replay.asked if "uthorization:" not in head]
        assert len(unsigned) == 1, "signed ahead from then on"


#: of which only what was parsed is known, and its length is another
OTHERWISE_WRITTEN = {"mk3_prusalink_legacy_connection.json"}


def test_the_recordings_are_kept_to_the_byte(captures: pathlib.Path) -> None:
    """What is replayed has the length that the server said, in every recording with headers."""
    checked = 0
    for path in sorted((captures / "prusalink").glob("mk3_*.json")):
        content = json.loads(path.read_text())
        if isinstance(content, dict) and path.name not in OTHERWISE_WRITTEN:
            as_bytes(content["response"], path.name)
            checked += 1
    assert checked > 50 or not checked  # none where the recordings are not at hand


# ---- commands and files ---------------------------------------------------------------------

JOB, CUBE = "/api/v1/job/43", "/api/v1/files/local/cube.gcode"
#: the state shown, what is asked, the request that goes out, the recorded answer, what it becomes
COMMANDS = [
    ("printing", Action.PAUSE, f"PUT {JOB}/pause", "job_pause_204", None),
    ("paused", Action.RESUME, f"PUT {JOB}/resume", "job_resume_204", None),
    ("printing", Action.CANCEL, f"DELETE {JOB}", "job_stop_204", None),
    ("idle", Action.START, f"POST {CUBE}", "print_start_204", None),
    ("idle", Action.SET_READY, "POST /api/printer/ready", "set_ready_200", None),
    ("paused", Action.PAUSE, f"PUT {JOB}/pause", "job_pause_while_paused_409",
     "can only be done when printer is printing"),
    ("attention_while_printing", Action.PAUSE, f"PUT {JOB}/pause", "job_pause_in_attention",
     "can only be done when printer is printing"),
    ("printing", Action.PAUSE, f"PUT {JOB}/pause", "job_pause_not_current",
     "does not belong to current job"),
    ("printing", Action.RESUME, f"PUT {JOB}/resume", "job_resume_while_printing_409",
     "can only be done when printer is paused"),
    ("printing", Action.CANCEL, f"DELETE {JOB}", "job_delete_not_current",
     "does not belong to current job"),
    ("printing", Action.START, f"POST {CUBE}", "print_start_while_printing_409",
     "not in state to print"),
    ("error_maxtemp", Action.START, f"POST {CUBE}", "print_start_in_error",
     "not in state to print"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "action", "request_line", "name", "words"), COMMANDS)
async def test_commands(
    captures: pathlib.Path,
    state: str,
    action: Action,
    request_line: str,
    name: str,
    words: str | None,
) -> None:
    method, path = request_line.split(" ")
    async with replayed(captures) as (replay, host, bridge):
        replay.put("/api/v1/status", f"status_{state}")
        await until(lambda: host.link is Link.ONLINE and host.last.state is not None)
        replay.put(path, name, method)
        command = Command(action, {"filename": "cube.gcode"} if action is Action.START else {})
        if words is None:
            await bridge.send(command)
        else:
            with pytest.raises(CommandRejected, match=words):
                await bridge.send(command)
        sent = [head for asked, head in replay.asked if asked == path]
        assert len(sent) == 1 and sent[0].startswith(f"{method} "), "a command is sent once"


async def _bytes() -> AsyncIterator[bytes]:
    yield b"G28\n"


async def _idle(replay: Replay, host: Host) -> None:
    replay.put("/api/v1/status", "status_idle")
    replay.put("/api/v1/transfer", "transfer_idle")
    replay.put("/api/v1/storage", "storage")
    await until(lambda: host.link is Link.ONLINE)


async def test_the_recorded_storage(captures: pathlib.Path) -> None:
    async with replayed(captures) as (replay, host, bridge):
        await _idle(replay, host)
        replay.put("/api/v1/files/local", "files_local")
        assert "cube.gcode" in {entry.path for entry in await bridge.files.list()}
        replay.put("/api/v1/files/local/none", "files_usb_404")
        with pytest.raises(CommandRejected, match="no folder"):
            await bridge.files.list("none")
        replay.put(CUBE, "file_info")
        assert await bridge.files.thumbnail("cube.gcode") is None
        replay.put(CUBE, "file_delete_while_printing_409", "DELETE")
        with pytest.raises(CommandRejected, match="currently printed"):
            await bridge.files.delete("cube.gcode")


#: recorded answer to the PUT, what it becomes
UPLOADS = [
    ("upload_put_exists_409", "File already exists"),
    ("upload_put_415", "Only G-Code"),
    ("upload_put_while_transfer", "another transfer is running"),
    ("upload_put_sdcard", "read only"),
]


@pytest.mark.parametrize(("name", "words"), UPLOADS)
async def test_refused_uploads(captures: pathlib.Path, name: str, words: str) -> None:
    async with replayed(captures) as (replay, host, bridge):
        await _idle(replay, host)
        replay.put(CUBE, name, "PUT")
        with pytest.raises(CommandRejected, match=words):
            await bridge.files.upload("cube.gcode", _bytes, 4)
        (head,) = [head for path, head in replay.asked if path == CUBE]
        assert "Content-Type: text/x.gcode" in head and "Overwrite: ?1" in head
        assert "Content-Length: 4" in head and "hunked" not in head


async def test_a_recorded_transfer_and_what_is_left_of_the_disk(captures: pathlib.Path) -> None:
    async with replayed(captures) as (replay, host, bridge):
        await _idle(replay, host)
        free = 77316272128  # as recorded
        with pytest.raises(CommandRejected, match="has 73734 MiB left"):
            await bridge.files.upload("cube.gcode", _bytes, free)
        replay.put("/api/v1/transfer", "transfer_active")
        with pytest.raises(CommandRejected, match="busy with another transfer"):
            await bridge.files.upload("cube.gcode", _bytes, 4)
        assert all(not head.startswith("PUT") for _, head in replay.asked)


# ---- Buddy ------------------------------------------------------------------------------------


async def test_a_recorded_xl(captures: pathlib.Path) -> None:
    async with replayed(captures, "buddy") as (replay, host, bridge):
        await until(lambda: host.last.state is PrintState.STANDBY)
        assert bridge.debug()["flavour"] == "buddy"
        assert host.last.model is None, "an XL does not say what it is"
        assert host.last.heaters["extruder"].temperature == 47.8
        replay.put_buddy("/api/v1/job", "xl_ha_job_printing")
        replay.put_buddy("/api/printer", "xl_printer_printing")
        replay.put_buddy("/api/v1/status", "xl_ha_status_printing")
        await until(lambda: host.last.filament is not None)
        assert host.last.state is PrintState.PRINTING
        job = host.last.job
        assert job is not None and job.name == "TabletStand3.bgcode" and job.progress == 0.37
        assert job.origin == "usb"
        signed = [head for path, head in replay.asked if path == "/api/v1/status"][-1]
        assert 'nonce="a9dae69e0000280a"' in signed
        assert "qop" not in signed and "algorithm" not in signed, "RFC 2069 and no more"
        replay.put_buddy("/api/v1/storage", "xl_v1_storage_printing")
        replay.put_buddy("/api/v1/transfer", "transfer_active")
        with pytest.raises(MoonfleetError, match="busy with another transfer"):
            await bridge.files.upload("a.gcode", _bytes, 4)
