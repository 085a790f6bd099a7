# The printer's storage through the bridge: the emulator and vsftpd
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Both require the data connection to resume the control connection's TLS session."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pathlib
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import zipfile
from collections.abc import AsyncIterator
from typing import Any, Callable

import pytest
from moonfleet.bridges.bambu.protocol import threemf
from moonfleet.bridges.bambu.protocol.listing import parse_listing, safe_path
from moonfleet.bridges.base import Link
from moonfleet.core.errors import CommandRejected, NotConnected
from moonfleet.core.model import PrintState

from tests.emulators.bambu import EmulatedBambu, Faults

from .conftest import World
from .helpers import RecordingHost, make_bridge, until

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 100
CONFIG = """<?xml version="1.0"?><config><plate>
<metadata key="index" value="1"/><metadata key="prediction" value="3725"/>
<metadata key="weight" value="12.5"/>
<object identify_id="17" name="Clip" skipped="false"/><object identify_id="21" name="Clip 2"/>
<filament id="1" type="PLA" color="#FFFFFF" used_m="3.01" used_g="9.1"/>
<filament id="2" type="PETG" used_m="1.1" used_g="3.4"/>
</plate></config>"""


def project(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Metadata/plate_1.png", PNG)
        archive.writestr("Metadata/slice_info.config", CONFIG)
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def source(*blocks: bytes) -> Callable[[], AsyncIterator[bytes]]:
    async def stream() -> AsyncIterator[bytes]:
        for block in blocks:
            yield block

    return stream


async def content(files: Any, path: str) -> bytes:
    return b"".join([block async for block in files.download(path)])


async def connected(world: World, model: str = "X1C", **options: Any) -> Any:
    printer = await world.printer(model, **options)
    bridge, host = await world.bridge(printer)
    await until(lambda: host.link is Link.ONLINE and host.snapshot.model)
    return printer, bridge, host


async def test_a_round_of_everything(world: World) -> None:
    printer, bridge, _ = await connected(world)
    files, told = bridge.files, []
    blocks = [bytes([n]) * 50_000 for n in range(20)]
    await files.upload("cache/part one.gcode.3mf", source(*blocks), 1_000_000, progress=told.append)
    assert printer.ftps.storage.files["cache/part one.gcode.3mf"] == b"".join(blocks)
    await until(lambda: told and told[-1] == 1_000_000)
    assert told == sorted(told)
    (entry,) = await files.list("cache")
    assert (entry.path, entry.size, entry.folder) == ("cache/part one.gcode.3mf", 1_000_000, False)
    assert {e.path for e in await files.list()} >= {"cache", "timelapse", "model"}
    assert await content(files, "cache/part one.gcode.3mf") == b"".join(blocks)
    await files.make_folder("model/mine")
    assert [e.path for e in await files.list("model") if e.folder] == ["model/mine"]
    await files.delete("model/mine")
    await files.delete("cache/part one.gcode.3mf")
    assert await files.list("cache") == []
    with pytest.raises(CommandRejected):
        await files.delete("cache/nothing")
    with pytest.raises(CommandRejected):
        await content(files, "cache/nothing")


async def test_timelapses_are_listed_and_downloaded(world: World) -> None:
    printer, bridge, _ = await connected(world)
    printer.ftps.storage.files["timelapse/video 1.mp4"] = b"film"
    (film,) = await bridge.files.list("timelapse")
    assert await content(bridge.files, film.path) == b"film"


async def test_upload_and_print(world: World) -> None:
    _, bridge, host = await connected(world, speed=200.0, job_seconds=10_000.0)
    data = project()
    await bridge.files.upload("cache/clip.3mf", source(data), len(data), start=True)
    await until(lambda: host.snapshot.state is PrintState.PRINTING)
    assert host.snapshot.job is not None and host.snapshot.job.name == "clip"


async def test_an_incomplete_upload_is_told(world: World) -> None:
    printer, bridge, _ = await connected(world)
    printer.ftps.truncate = True
    with pytest.raises(CommandRejected, match="5 of 10 bytes"):
        await bridge.files.upload("a.3mf", source(b"0123456789"), 10)
    printer.ftps.truncate, printer.ftps.full = False, True
    with pytest.raises(NotConnected, match="code 452"):
        await bridge.files.upload("a.3mf", source(b"0123456789"), 10)


async def test_existing_files_are_kept_on_demand(world: World) -> None:
    printer, bridge, _ = await connected(world)
    printer.ftps.storage.files["a.3mf"] = b"old"
    with pytest.raises(CommandRejected, match="already"):
        await bridge.files.upload("a.3mf", source(b"new"), 3, overwrite=False)
    assert printer.ftps.storage.files["a.3mf"] == b"old"


async def test_a_source_that_fails(world: World) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise CommandRejected("the upload was broken off")

    _, bridge, _ = await connected(world)
    with pytest.raises(CommandRejected, match="broken off"):
        await bridge.files.upload("a.3mf", broken, 100)
    assert await bridge.files.list("cache") == []  # the next one works


async def test_one_transfer_at_a_time(world: World) -> None:
    printer, bridge, _ = await connected(world)
    for n in range(6):
        printer.ftps.storage.files[f"cache/{n}"] = b"x" * 300_000
    found = await asyncio.gather(*(content(bridge.files, f"cache/{n}") for n in range(6)))
    assert [len(data) for data in found] == [300_000] * 6
    assert printer.ftps.most_sessions == 1


async def test_a_reader_that_stops_early_frees_the_printer(world: World) -> None:
    printer, bridge, _ = await connected(world)
    printer.ftps.storage.files["big"] = b"x" * 20_000_000
    download = bridge.files.download("big")
    await download.__anext__()
    await download.aclose()
    assert [e.path for e in await bridge.files.list() if e.path == "big"] == ["big"]


async def test_small_printers_are_left_alone_while_they_print(world: World) -> None:
    printer, bridge, host = await connected(world, "P1S", speed=200.0, job_seconds=1e6)
    printer.ftps.storage.files["a.3mf"] = project()
    assert await bridge.files.thumbnail("a.3mf") == ("image/png", PNG)
    printer.start_job("Benchy")
    await until(lambda: host.snapshot.state is PrintState.PRINTING)
    for attempt in (content(bridge.files, "a.3mf"), bridge.files.upload("b", source(b"x"), 1)):
        with pytest.raises(CommandRejected, match="small printer"):
            await attempt
    assert await bridge.files.thumbnail("a.3mf") is None


async def test_what_the_slicer_wrote_is_fetched_once(world: World) -> None:
    printer, bridge, _ = await connected(world, "X1C")
    printer.ftps.storage.files["cache/clip.gcode.3mf"] = project()
    printer.ftps.storage.files["clip.gcode"] = b"G28"
    (plate,) = await bridge.files.plates("cache/clip.gcode.3mf")
    assert (plate.index, plate.print_time, plate.weight) == (1, 3725.0, 12.5)
    assert plate.objects == {17: "Clip", 21: "Clip 2"}
    size = len(project())
    printer.ftps.storage.files["cache/clip.gcode.3mf"] = bytes(size)  # the same file, as told
    assert await bridge.files.thumbnail("cache/clip.gcode.3mf") == ("image/png", PNG)
    printer.ftps.storage.files["cache/clip.gcode.3mf"] = b"no archive"
    assert list(await bridge.files.plates("cache/clip.gcode.3mf")) == []
    assert list(await bridge.files.plates("clip.gcode")) == []


async def test_the_code_is_not_sent_to_a_stranger(world: World) -> None:
    printer = await world.printer("X1C")
    other = await world.printer("X1C", faults=Faults(foreign=True))
    stranger = make_bridge(other, RecordingHost(), serial=printer.serial)
    with pytest.raises(NotConnected, match="another device"):
        await stranger.files.list()
    assert other.ftps.credentials_seen == 0


async def test_files_are_no_first_contact(world: World) -> None:
    """Only MQTT remembers a certificate; until it has, the access code stays here."""
    printer = await world.printer("X1C")
    bridge = make_bridge(printer, RecordingHost(), tls="pin")
    with pytest.raises(NotConnected, match="remembered yet"):
        await bridge.files.list()
    assert printer.ftps.credentials_seen == 0


async def test_wrong_code_and_closed_port(world: World) -> None:
    printer = await world.printer("X1C")
    bridge = make_bridge(printer, RecordingHost(), access_code="00000000", tls="insecure")
    with pytest.raises(NotConnected, match="access code"):
        await bridge.files.list()
    await printer.ftps.stop()
    with pytest.raises(NotConnected, match="broke"):
        await bridge.files.list()


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "a\nDELE b", "a\x00", "x" * 500, None, "..\\x", "a/.."]
)
def test_paths_that_leave_the_storage(path: Any) -> None:
    with pytest.raises(CommandRejected):
        safe_path(path)


def test_listing_of_hostile_names() -> None:
    lines = [
        "total 0",
        "-rw-r--r-- 1 103 107 12 Jan 01 1980 good name.3mf",
        "-rw-r--r-- 1 103 107 12 Jan 01 1980 ../up",
        "-rw-r--r-- 1 103 107 12 Jan 01 1980 a/b",
        "drwxr-xr-x 1 103 107 12 Jan 01 12:30 ..",
        "lrwxrwxrwx 1 103 107 12 Jan 01 1980 link -> /etc",
        "-rw-r--r-- 1 103 107 12 Jan 01 1980 e\x1b[2Jvil",
        "-rw-r--r-- 1 103 107 " + "9" * 40 + " Jan 01 1980 huge",
        "nonsense",
    ]
    assert [e.path for e in parse_listing("\r\n".join(lines), "/cache/")] == ["cache/good name.3mf"]


# -- 3MF -----------------------------------------------------------------------------------


def test_slicer_metadata() -> None:
    (plate,) = threemf.plates(io.BytesIO(project()))
    assert (plate.index, plate.print_time, plate.weight) == (1, 3725.0, 12.5)
    assert plate.filament_length == pytest.approx(4110.0)
    assert plate.materials == ("PLA", "PETG")
    assert plate.objects == {17: "Clip", 21: "Clip 2"}
    assert threemf.thumbnail(io.BytesIO(project())) == PNG
    assert threemf.thumbnail(io.BytesIO(project()), plate=9) is None


def test_the_picture_is_of_the_plate_that_is_sliced() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in (1, 2, 12):
            archive.writestr(f"Metadata/plate_{number}.png", PNG + str(number).encode())
        archive.writestr("Metadata/plate_12.gcode", "G28")
        archive.writestr("Metadata/plate_2.gcode", "G28")
    assert threemf.thumbnail(file) == PNG + b"2"
    assert threemf.thumbnail(file, plate=1) == PNG + b"1"


def test_archives_that_want_to_hurt() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Metadata/plate_1.png", b"\x89PNG\r\n\x1a\n" + bytes(50_000_000))
        archive.writestr("Metadata/slice_info.config", " " * 20_000_000)
    assert threemf.thumbnail(bomb) is None
    assert threemf.plates(bomb) == []
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for n in range(5000):
            archive.writestr(f"f{n}", b"")
        archive.writestr("Metadata/plate_1.png", PNG)
    assert threemf.thumbnail(many) is None
    good = bytearray(project())
    for position in range(0, len(good), 7):
        broken = bytearray(good)
        broken[position] ^= 0xFF
        threemf.thumbnail(io.BytesIO(bytes(broken)))
        threemf.plates(io.BytesIO(bytes(broken)))
    entities = '<!DOCTYPE a [<!ENTITY x "boom">]><plate><object identify_id="&x;"/></plate>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("Metadata/slice_info.config", entities)
    assert [plate.objects for plate in threemf.plates(file)] == [{}]


# -- vsftpd --------------------------------------------------------------------------------

VSFTPD = shutil.which("vsftpd") or "/usr/sbin/vsftpd"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Vsftpd:
    """Anonymous login under the printer's user name: no system account is needed."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.body = EmulatedBambu("P1S")
        self.port = _free_port()
        certificate, key = self.body.chain.write(folder)
        self.home = folder / "home"
        (self.home / "cache").mkdir(parents=True)
        guest = pwd.getpwnam("daemon")  # a home of its own, no right to write to the root
        for place in (folder, self.home):
            os.chmod(place, 0o755)
        os.chown(self.home / "cache", guest.pw_uid, guest.pw_gid)
        self.conf = folder / "conf"
        self.conf.write_text(
            f"listen=YES\nlisten_port={self.port}\nlisten_address=127.0.0.1\nbackground=NO\n"
            f"ssl_enable=YES\nimplicit_ssl=YES\nrequire_ssl_reuse=YES\nallow_anon_ssl=YES\n"
            f"force_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\nrsa_cert_file={certificate}\n"
            f"rsa_private_key_file={key}\nanonymous_enable=YES\nanon_root={self.home}\n"
            f"ftp_username=daemon\nwrite_enable=YES\nanon_upload_enable=YES\n"
            f"anon_mkdir_write_enable=YES\nanon_other_write_enable=YES\nanon_umask=022\n"
            f"no_anon_password=YES\nseccomp_sandbox=NO\nxferlog_enable=NO\nssl_ciphers=HIGH\n"
            f"secure_chroot_dir=/var/run/vsftpd/empty\nrun_as_launching_user=NO\n"
        )

    def start(self) -> None:
        self.process = subprocess.Popen(
            [VSFTPD, str(self.conf)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def listens(self) -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


@pytest.mark.peer
@pytest.mark.skipif(not pathlib.Path(VSFTPD).exists(), reason="vsftpd is not installed")
@pytest.mark.skipif(os.getuid() != 0, reason="vsftpd needs root to change its root")
async def test_vsftpd_that_requires_session_reuse() -> None:
    from moonfleet.bridges.bambu.files import BambuFiles
    from moonfleet.bridges.bambu.ftps import FtpsSession
    from moonfleet.bridges.bambu.trust import Trust, fingerprint
    from moonfleet.core.secret import Secret

    # not tmp_path: the folders above it are closed to other users
    folder = pathlib.Path(tempfile.mkdtemp())
    server = Vsftpd(folder)
    server.start()
    try:
        await until(server.listens)
        trust = Trust("pin", server.body.serial)

        async def nothing(*_: Any) -> None:
            return None

        async def pin() -> str:
            leaf = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", server.port)))
            return fingerprint(server.body.serial, leaf)

        # vsftpd takes an anonymous login by its usual name only
        files = BambuFiles(
            lambda: FtpsSession("127.0.0.1", server.port, trust, "anonymous", Secret("a@b")),
            pin,
            lambda: None,
            nothing,
        )
        data = os.urandom(700_000)
        await files.upload("cache/x y.3mf", source(data[:300_000], data[300_000:]), len(data))
        assert (server.home / "cache" / "x y.3mf").read_bytes() == data
        assert [(e.path, e.size) for e in await files.list("cache")] == [
            ("cache/x y.3mf", len(data))
        ]
        assert await content(files, "cache/x y.3mf") == data
        await files.delete("cache/x y.3mf")
        assert await files.list("cache") == []
    finally:
        server.stop()
        shutil.rmtree(folder)
