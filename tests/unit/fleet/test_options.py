# Options in, settings out, or one sentence that says what to do
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every fault names section, option, value and remedy."""

from __future__ import annotations

import re

import pytest
from moonfleet.bridges.base import BridgeType
from moonfleet.core.commands import Control
from moonfleet.core.errors import ConfigFault
from moonfleet.core.secret import Secret
from moonfleet.options import COMMON, SectionReader, check_name, read_printer

TYPE = BridgeType(
    name="fake",
    label="Fake",
    parse=lambda reader: {"code": reader.secret("access_code", required=True)},
    create=lambda *_: None,
    default_port=8883,
    tls_modes=("verify", "pin", "insecure"),
)
GOOD = {"type": "fake", "host": "192.0.2.7", "access_code": "12345678"}


def read(**values: str):
    return read_printer(SectionReader("moonfleet x1c", {**GOOD, **values}), "x1c", TYPE)


def test_defaults():
    settings = read()
    assert settings.display_name == "x1c" and settings.host == "192.0.2.7"
    assert (settings.port, settings.control, settings.tls) == (8883, Control.JOBS, "pin")
    assert settings.ca_file is None and settings.virtual_port is None
    assert (settings.filament_panel, settings.finish_estimate) == ("afc", "printer")
    assert settings.notifiers == ()
    assert settings.options == {"code": Secret("12345678")}


def test_what_is_written_is_read(tmp_path):
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("certificate")
    settings = read(
        display_name="Büro (links)",
        host="x1c.local",
        port="8884",
        control="Full",
        ca_file=str(ca_file),
        virtual_port="7130",
        filament_panel="mmu",
        finish_estimate="learned",
        notifiers="phone, mail\n  bell",
    )
    assert settings.display_name == "Büro (links)"
    assert (settings.port, settings.control, settings.virtual_port) == (8884, Control.FULL, 7130)
    assert (settings.tls, settings.ca_file) == ("verify", str(ca_file))
    assert (settings.filament_panel, settings.finish_estimate) == ("mmu", "learned")
    assert settings.notifiers == ("phone", "mail", "bell")


def test_maintenance_counters():
    lines = "\nnozzle = 300 hours\nIdler bearing: 2.5 KG\n  desiccant=90 days\n\nrods = 40 jobs"
    assert read(maintenance=lines).maintenance == (
        ("nozzle", "print_time", 1_080_000.0),
        ("Idler bearing", "grams", 2500.0),
        ("desiccant", "days", 90.0),
        ("rods", "jobs", 40.0),
    )


@pytest.mark.parametrize("host", ["fe80::1", "[fe80::1]", "10.0.0.1", "printer", "a-b.example.org"])
def test_hosts(host):
    assert read(host=host).host == host.strip("[]")


@pytest.mark.parametrize(
    ("option", "value", "what"),
    [
        ("host", "", "is missing; add 'host: ...'"),
        ("host", "http://192.0.2.7", "is no host name or address; write it without 'http://'"),
        ("host", "192.0.2.7:8883", "is no host name or address"),
        ("host", "user@printer", "is no host name or address"),
        ("host", "a/b", "is no host name or address"),
        ("port", "eighty", "is not a number; use a whole number from 1 to 65535"),
        ("port", "0", "is out of range"),
        ("port", "65536", "is out of range"),
        ("control", "all", "is not known; use one of: none, jobs, full"),
        ("tls", "off", "is not known; use one of: verify, pin, insecure"),
        ("tls", "verify", "needs a certificate to check against; add 'ca_file: ...'"),
        ("ca_file", "/nowhere/ca.pem", "does not exist; name a readable file"),
        ("virtual_port", "80", "is out of range; use a whole number from 1024 to 65535"),
        ("filament_panel", "ams", "is not known; use one of: afc, mmu, both, off"),
        ("finish_estimate", "guess", "is not known; use one of: printer, learned"),
        ("display_name", "x" * 65, "is too long"),
        ("maintenance", "nozzle", "is no counter; write 'name = amount unit'"),
        ("maintenance", "nozzle = 3 weeks", "hours, jobs, kg, grams, days"),
        ("access_code", "", "is missing; add 'access_code: ...'"),
    ],
)
def test_faults_name_section_option_value_and_remedy(option, value, what):
    with pytest.raises(ConfigFault) as caught:
        read(**{option: value})
    message = str(caught.value)
    assert message.startswith(f"[moonfleet x1c] option '{option}':")
    assert what in message
    assert value[:60] in message
    assert message.isascii() and "\n" not in message


def test_unknown_options_are_named_with_a_guess():
    reader = SectionReader("moonfleet x1c", {**GOOD, "acces_code": "1", "colour": "red"})
    reader.text("type")
    read_printer(reader, "x1c", TYPE)
    assert reader.unknown() == [
        "[moonfleet x1c] option 'acces_code': is not known; did you mean 'access_code'?",
        "[moonfleet x1c] option 'colour': is not known; remove it",
    ]


def test_a_template_is_rendered_and_a_literal_is_remembered():
    values = {"a": "{secrets.x1c.code}", "b": "literal"}
    reader = SectionReader("moonfleet x1c", values, lambda option, raw: f"<{option}:{raw}>")
    assert reader.secret("a") == Secret("<a:{secrets.x1c.code}>")
    assert reader.secret("b") == Secret("literal")
    assert reader.literals == ["b"]


def test_a_template_that_fails_shows_neither_itself_nor_the_error():
    def render(option: str, raw: str) -> str:
        raise ValueError(f"cannot render {raw}")

    reader = SectionReader("moonfleet x1c", {"code": "{hunter2"}, render)
    with pytest.raises(ConfigFault) as caught:
        reader.secret("code")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    assert "moonraker.secrets" in str(caught.value)


def test_a_template_that_is_empty_is_a_fault_where_the_credential_is_needed():
    reader = SectionReader("moonfleet x1c", {"code": "{secrets.x1c.cod}"}, lambda *_: "")
    with pytest.raises(ConfigFault, match="its template is empty"):
        reader.secret("code", required=True)
    assert not reader.secret("code")


@pytest.mark.parametrize("name", ["x1c", "MK4_2", "a", "0-9", "A" * 32])
def test_names(name):
    check_name(f"moonfleet {name}", name)


@pytest.mark.parametrize("name", ["", "my printer", "ä", "a.b", "a/b", "A" * 33, "x1c\n"])
def test_names_that_cannot_be(name):
    with pytest.raises(ConfigFault, match="cannot be used"):
        check_name(f"moonfleet {name}", name)


@pytest.mark.parametrize("name", ["klipper", "Klipper"])
def test_the_local_printers_name_is_taken(name):
    with pytest.raises(ConfigFault, match="reserved for the local Klipper"):
        check_name(f"moonfleet {name}", name)


def test_every_common_option_is_asked_for():
    """The table that the documentation is compared with is the table that is read."""
    reader = SectionReader("moonfleet x1c", GOOD)
    reader.text("type")
    read_printer(reader, "x1c", TYPE)
    assert {option.name for option in COMMON} == reader._asked - {"access_code"}
    assert all(re.fullmatch(r"[a-z_]+", option.name) for option in COMMON)
