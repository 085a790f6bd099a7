# Bad sections in moonraker.conf: one clear sentence each, everything else runs
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""All of them at once in a real Moonraker of each release."""

from __future__ import annotations

import html

import pytest

from tests.moonraker.printers import section
from tests.moonraker.real import BASE

pytestmark = pytest.mark.moonraker
BAMBU = {
    "type": "bambu",
    "host": "127.0.0.1",
    "port": "9",
    "serial": "00M00A000000001",
    "access_code": "{secrets.x1c.access_code}",
}
PRUSA = {"type": "prusalink", "host": "127.0.0.1", "port": "9", "password": "{secrets.mk4.pw}"}
SECRETS = {"x1c": {"access_code": "12345678"}, "mk4": {"pw": "hidden-word"}}

# printer -> (options, what the sentence must contain)
FAULTY = {
    "notype": ({"host": "127.0.0.1"}, ["option 'type'", "is missing", "add 'type:"]),
    "bamboo": (
        {**BAMBU, "type": "bamboo"},
        ["option 'type'", "'bamboo' is not known", "bambu, prusalink"],
    ),
    "nohost": ({**BAMBU, "host": None}, ["option 'host'", "is missing"]),
    "url": ({**BAMBU, "host": "http://192.0.2.1"}, ["option 'host'", "without 'http://'"]),
    "port": ({**PRUSA, "port": "http"}, ["option 'port'", "'http' is not a number"]),
    "range": ({**PRUSA, "port": "123456"}, ["option 'port'", "from 1 to 65535"]),
    "control": ({**PRUSA, "control": "root"}, ["option 'control'", "none, jobs, full"]),
    "tls": ({**BAMBU, "tls": "maybe"}, ["option 'tls'", "verify, pin, insecure"]),
    "nocode": ({**BAMBU, "access_code": None}, ["option 'access_code'", "is missing"]),
    "noserial": ({**BAMBU, "serial": None}, ["option 'serial'", "is missing"]),
    "badserial": ({**BAMBU, "serial": "my printer"}, ["serial", "not a serial number"]),
    "nopassword": ({**PRUSA, "password": None}, ["option 'password'", "is missing"]),
    "nosecret": (
        {**PRUSA, "password": "{secrets.nobody.here}"},
        ["option 'password'", "moonraker.secrets"],
    ),
    "badtemplate": (
        {**PRUSA, "password": "{secrets.mk4.pw"},
        ["option 'password'", "template cannot be rendered"],
    ),
    "vport": ({**PRUSA, "virtual_port": "80"}, ["option 'virtual_port'", "from 1024"]),
}
GOOD = {"good": BAMBU, "fine": PRUSA}


def test_each_bad_section_is_one_sentence_and_the_rest_runs(moonraker):
    config = "".join(section(name, options) for name, (options, _) in FAULTY.items())
    config += "".join(section(name, options) for name, options in GOOD.items())
    config += section("klipper", PRUSA)
    config += section("my printer", PRUSA)
    server = moonraker(config, secrets=SECRETS)
    info = server.http("/server/info")
    warnings = info["warnings"]
    assert info["failed_components"] == []
    assert not [text for text in warnings if "Unparsed" in text]
    printers = {p["name"]: p for p in server.http("/server/moonfleet/printers")["printers"]}
    for name, (_, words) in FAULTY.items():
        (warning,) = (text for text in warnings if f"[moonfleet {name}]" in text)
        for word in words:
            assert word in warning, (name, warning)
        connection = printers[name]["connection"]
        assert connection["state"] == "config_error"
        assert connection["message"] == html.unescape(warning)
        assert "\n" not in warning and "Traceback" not in warning
    assert [text for text in warnings if "reserved for the local Klipper" in text]
    assert [text for text in warnings if "[moonfleet my printer]" in text]
    assert printers["my_printer"]["connection"]["state"] == "config_error"
    for name in GOOD:
        assert printers[name]["connection"]["state"] != "config_error"
        assert not [text for text in warnings if f"[moonfleet {name}]" in text]
    assert len(warnings) == len(FAULTY) + 2
    for _, secrets in SECRETS.items():
        for value in secrets.values():
            assert value not in server.log() + str(warnings) + str(printers)


def test_unknown_options_and_literal_credentials_are_warnings_only(moonraker):
    config = section("good", {**BAMBU, "acces_code": "x", "access_code": "87654321"})
    config += section("twice", {**BAMBU, "virtual_port": "7131"})
    config += section("other", {**BAMBU, "virtual_port": "7131"})
    server = moonraker(config, secrets=SECRETS)
    warnings = server.warnings()
    (unknown,) = (text for text in warnings if "'acces_code'" in text)
    assert "did you mean 'access_code'?" in unknown
    (literal,) = (text for text in warnings if "stands in moonraker.conf" in text)
    assert "'access_code: {secrets.good.access_code}'" in literal and "87654321" not in literal
    (port,) = (text for text in warnings if "'virtual_port'" in text)
    assert "is used by [moonfleet twice]" in port
    assert len(warnings) == 3
    states = {
        p["name"]: p["connection"]["state"]
        for p in server.http("/server/moonfleet/printers")["printers"]
    }
    assert states["good"] != "config_error" and states["twice"] != "config_error"
    assert states["other"] == "config_error"


def test_markup_in_a_section_is_no_markup_in_a_warning(moonraker):
    server = moonraker(
        "\n[moonfleet]\nbridge_modules: no.such.module, <b>bold\ncolour: <i>red\n"
        + section("x", {**PRUSA, "control": "<script>alert(1)</script>"}),
        base=BASE.replace("[moonfleet]", ""),
    )
    warnings = server.warnings()
    assert len(warnings) == 4, warnings
    assert not [text for text in warnings if "<" in text]
    assert [text for text in warnings if "'no.such.module' cannot be imported" in text]
    assert [text for text in warnings if "option 'colour'" in text]
    assert server.http("/server/info")["failed_components"] == []
