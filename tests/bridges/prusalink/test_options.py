# The options of a prusalink section
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every wrong option is one sentence with section, option and remedy, and never the credential."""

from __future__ import annotations

from typing import Any

import pytest
from moonfleet.bridges.base import bridge_types
from moonfleet.bridges.prusalink import bridge as bridge_module
from moonfleet.bridges.prusalink.settings import Credentials, address_of
from moonfleet.core.errors import ConfigFault
from moonfleet.core.secret import Secret
from moonfleet.options import SectionReader, read_printer

TYPE = bridge_types()["prusalink"]


def read(**values: str) -> Any:
    reader = SectionReader("moonfleet mk", {"type": "prusalink", "host": "10.0.0.5", **values})
    reader.text("type")  # whoever chose the type has read it
    return read_printer(reader, "mk", TYPE), reader


def test_the_type_is_registered_by_its_module() -> None:
    assert TYPE.create is bridge_module.create and TYPE.default_port == 80


def test_defaults() -> None:
    settings, reader = read(password="p")
    credentials = settings.options["credentials"]
    assert credentials == Credentials("maker", Secret("p"), Secret(""))
    assert (settings.port, str(address_of(settings))) == (80, "10.0.0.5:80")
    assert settings.options["model"] is None and reader.unknown() == []


def test_everything_given() -> None:
    settings, reader = read(
        user="me", api_key="k", port="8080", path_prefix="/mk3/", model="MK3S+", host="fe80::1"
    )
    assert settings.options["credentials"] == Credentials("me", Secret(""), Secret("k"))
    assert str(address_of(settings)) == "[fe80::1]:8080/mk3"
    assert settings.options["model"] == "MK3S+" and reader.unknown() == []


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({}, "password"),
        ({"password": "tell-nobody", "api_key": "tell-nobody"}, "api_key"),
        ({"password": "tell-nobody", "user": "a:b"}, "user"),
        ({"password": "tell-nobody", "path_prefix": "/a?b=c"}, "path_prefix"),
        ({"password": "tell-nobody", "path_prefix": "http://x/"}, "path_prefix"),
        ({"password": "tell-nobody", "model": "x" * 60}, "model"),
        ({"password": "tell-nobody", "host": "http://10.0.0.5"}, "host"),
        ({"password": "tell-nobody", "port": "99999"}, "port"),
    ],
)
def test_wrong_options(values: dict[str, str], option: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read(**values)
    sentence = str(caught.value)
    assert sentence.startswith(f"[moonfleet mk] option '{option}'") and ";" in sentence
    assert "tell-nobody" not in sentence
