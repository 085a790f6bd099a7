# Moonraker's folder for the demo: its configuration, and the component linked into its package
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Everything is written into one temporary folder; only the link lies in the environment."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import pathlib
import socket
from dataclasses import dataclass

from .processes import DemoError

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPONENT = ROOT / "moonraker_components" / "moonfleet"
USUAL_PORT = 7125

CONFIG = """\
# moonraker.conf of the demo
[server]
host: 127.0.0.1
port: {port}
klippy_uds_address: {klippy}

[authorization]
trusted_clients:
    127.0.0.1
cors_domains:
    *://127.0.0.1:*
    *://localhost:*

[machine]
provider: none
validate_service: False
validate_config: False

[announcements]
subscriptions:

[moonfleet]
"""

PRINTER = """
[moonfleet {name}]
type: {type}
display_name: {display_name}
host: 127.0.0.1
port: {port}
{options}
"""


@dataclass(frozen=True)
class Section:
    """One ``[moonfleet <name>]``; ``secrets`` go to moonraker.secrets."""

    name: str
    type: str
    display_name: str
    port: int
    options: dict[str, str]
    secrets: dict[str, str]


def moonraker_version() -> str:
    return importlib.metadata.version("moonraker")


def link_component() -> None:
    """Into this environment's moonraker/components, as install.sh does on a real host."""
    spec = importlib.util.find_spec("moonraker")
    if spec is None or spec.origin is None:
        raise DemoError("Moonraker is missing in the demo's environment; remove .envs/demo, retry")
    link = pathlib.Path(spec.origin).parent / "components" / "moonfleet"
    if link.is_symlink() and link.resolve() == COMPONENT:
        return
    if link.is_symlink():
        link.unlink()
    try:
        link.symlink_to(COMPONENT, target_is_directory=True)
    except FileExistsError:
        if link.resolve() != COMPONENT:  # unless another demo has just made the same link
            raise DemoError(f"{link} is in the way; remove it and retry") from None


def free_port(wanted: int | None) -> int:
    """The wanted port or a sentence; without a wish the usual one, or any."""
    for port in (wanted or USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if wanted:
                    raise DemoError(f"port {wanted} cannot be used ({error.strerror})") from error
                continue
            return probe.getsockname()[1]
    raise DemoError("no free port on this machine")


def write(home: pathlib.Path, port: int, klippy: pathlib.Path, sections: list[Section]) -> None:
    """moonraker.conf and moonraker.secrets below ``home``."""
    config = CONFIG.format(port=port, klippy=klippy)
    secrets = ""
    for section in sections:
        options = [f"{key}: {value}" for key, value in section.options.items()]
        options += [f"{key}: {{secrets.{section.name}.{key}}}" for key in section.secrets]
        config += PRINTER.format(
            name=section.name,
            type=section.type,
            display_name=section.display_name,
            port=section.port,
            options="\n".join(options),
        )
        secrets += f"[{section.name}]\n"
        secrets += "".join(f"{key}: {value}\n" for key, value in section.secrets.items())
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config" / "moonraker.conf").write_text(config, encoding="utf-8")
    place = home / "moonraker.secrets"
    place.touch(mode=0o600)
    place.write_text(secrets, encoding="utf-8")
