# What a bridge is, and what the house gives it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The interface between the fleet and one printer's protocol; docs/writing_a_bridge.md explains it.

A bridge turns device bytes into ``PrinterSnapshot`` and commands into device bytes. It owns exactly
one connection, reconnects by itself, never raises out of its tasks and never decides who may do
what (the fleet does). A third party adds a type with ``register_bridge_type``.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Callable, Optional

from ..core.commands import Action, Command, Control
from ..core.errors import NotSupported
from ..core.guards import GuardRules
from ..core.model import JobRules, PrinterSnapshot, SlicedPlate
from ..core.secret import Secret


class Link(str, Enum):
    """``connection.state`` of a printer."""

    DISABLED = "disabled"
    CONNECTING = "connecting"
    ONLINE = "online"
    STALE = "stale"  # connected, but no report for too long
    AUTH_FAILED = "auth_failed"
    TLS_ERROR = "tls_error"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NO_REPORTS = "no_reports"
    FAULT = "fault"  # answers, but not as this type of printer does
    CONFIG_ERROR = "config_error"  # its section cannot be used


@dataclass(frozen=True)
class Connection:
    """State of the wire; ``message`` is one sentence with the remedy where something is wrong."""

    state: Link = Link.CONNECTING
    message: Optional[str] = None
    since: Optional[float] = None  # Unix time
    last_report: Optional[float] = None  # Unix time
    reconnects: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "state": self.state.value,
            "message": self.message,
            "since": self.since,
            "last_report": self.last_report,
            "reconnects": self.reconnects,
        }


@dataclass(frozen=True)
class PrinterSettings:
    """One ``[moonfleet <name>]`` section, validated. ``options`` is what the type's parser made."""

    name: str
    type: str
    display_name: str
    host: str = ""
    port: Optional[int] = None
    control: Control = Control.JOBS
    tls: Optional[str] = None  # verify | pin | insecure
    ca_file: Optional[str] = None
    virtual_port: Optional[int] = None
    filament_panel: str = "afc"
    finish_estimate: str = "printer"
    notifiers: tuple[str, ...] = ()  # names of [notifier] sections
    energy_sensor: str = ""  # a [sensor] section, optionally with ":" and one of its values
    maintenance: tuple[tuple[str, str, float], ...] = ()  # (counter, odometer, threshold)
    guards: GuardRules = field(default_factory=GuardRules)
    options: Mapping[str, Any] = field(default_factory=dict)  # type-specific, Secrets included


class OptionReader(ABC):
    """How a type's ``parse`` reads its own options, wherever they come from (file or database).

    Every method raises ``ConfigFault`` naming section, option, value and remedy.
    """

    section: str

    @abstractmethod
    def text(self, option: str, default: Optional[str] = None, *, required: bool = False) -> str:
        """A plain option; '' when absent without default."""

    @abstractmethod
    def secret(self, option: str, *, required: bool = False) -> Secret:
        """A credential; the value may be a template such as ``{secrets.x1c.access_code}``."""

    @abstractmethod
    def integer(
        self, option: str, default: Optional[int], minimum: int, maximum: int
    ) -> Optional[int]:
        """A whole number within bounds."""

    @abstractmethod
    def choice(self, option: str, choices: tuple[str, ...], default: str) -> str:
        """One of ``choices``, case ignored."""


class BridgeHost(ABC):
    """What the fleet hands to a bridge."""

    logger: logging.Logger  # named after the printer

    @abstractmethod
    def now(self) -> float:
        """Unix time."""

    @abstractmethod
    def on_snapshot(self, snapshot: PrinterSnapshot) -> None:
        """Call with each new state (also an unchanged one: it is the sign of life)."""

    @abstractmethod
    def on_connection(self, connection: Connection) -> None:
        """Call when the wire's state changes."""

    def on_heaters(self, heaters: Mapping[str, Any]) -> None:  # noqa: B027 - few bridges need it
        """A printer with ``predicts``: its own estimates, {heater: thermal ``Estimate``}."""

    @abstractmethod
    async def load(self, key: str) -> Optional[str]:
        """A small text this bridge stored before (a pinned certificate), or None."""

    @abstractmethod
    async def store(self, key: str, value: Optional[str]) -> None:
        """Remember (or with None forget) a small text across restarts."""


@dataclass(frozen=True)
class RemoteEntry:
    """A file or folder on the printer; ``path`` is below its storage, with long names."""

    path: str
    folder: bool = False
    size: Optional[int] = None
    modified: Optional[float] = None  # Unix time


class BridgeFiles(ABC):
    """A printer's storage. Every method raises what ``Bridge.send`` raises, and returns only when
    the printer itself shows the effect.

    Nothing here asks who is calling. Whoever hands a method to somebody outside (an API, a page)
    checks ``control`` first, as the fleet does for ``Bridge.send``: ``Action.START`` for ``upload``
    and ``make_folder`` (with or without a start), ``Action.DELETE_FILE`` for ``delete``.
    """

    @abstractmethod
    async def list(self, folder: str = "") -> list[RemoteEntry]:
        """What is in ``folder``; not recursive."""

    @abstractmethod
    async def upload(
        self,
        path: str,
        open_source: Callable[[], AsyncIterator[bytes]],
        size: int,
        *,
        start: bool = False,
        overwrite: bool = True,
        progress: Optional[Callable[[int], None]] = None,
    ) -> None:
        """Stream ``size`` bytes; ``progress`` is called with the bytes sent so far.

        ``open_source`` is called again should the printer want the stream from its beginning.
        """

    @abstractmethod
    def download(self, path: str) -> AsyncIterator[bytes]:
        """The bytes of a file, streamed."""

    @abstractmethod
    async def delete(self, path: str) -> None:
        """Remove a file or an empty folder."""

    @abstractmethod
    async def make_folder(self, path: str) -> None: ...

    @abstractmethod
    async def thumbnail(self, path: str) -> Optional[tuple[str, bytes]]:
        """(content type, image) of a file, or None; cached, since printers are slow."""

    async def plates(self, path: str) -> Sequence[SlicedPlate]:
        """What the slicer wrote into a file; nothing where the printer's files do not tell it."""
        return ()


class BridgeCamera(ABC):
    """A printer's camera that sends JPEG pictures; both methods raise ``NotConnected``.

    However many look, the printer has one connection, and none when nobody does.
    """

    @abstractmethod
    async def snapshot(self) -> bytes:
        """One fresh picture."""

    @abstractmethod
    def pictures(self) -> AsyncIterator[bytes]:
        """Each new picture; close the iterator to stop looking."""


class Bridge(ABC):
    """One printer. The constructor does no I/O."""

    rules: JobRules = JobRules()
    #: what the printer can do over this protocol, whatever ``control`` permits; read again with
    #: each ``on_connection``
    actions: frozenset[Action] = frozenset()
    #: seconds within which the state must show a command's effect
    confirm_timeout: float = 15.0
    #: the printer says itself when its heaters will be ready (``on_heaters``); ours stays out
    predicts: bool = False
    #: the printer's storage, where the protocol reaches it
    files: Optional[BridgeFiles] = None
    #: its camera, once the bridge knows that there is one
    camera: Optional[BridgeCamera] = None

    @abstractmethod
    async def start(self) -> None:
        """Begin to connect, in the background; returns at once."""

    @abstractmethod
    async def stop(self) -> None:
        """Disconnect cleanly; at most two seconds."""

    @abstractmethod
    async def send(self, command: Command) -> None:
        """Hand the command to the printer.

        Raises ``NotConnected``, ``NotSupported`` or ``CommandRejected`` (the printer's own no).
        Returning means "sent", never "done": the fleet waits for the state.
        """

    async def refresh(self) -> None:  # noqa: B027 - optional, most bridges need nothing here
        """A command is waiting for its effect: poll soon, ask for a full report, or do nothing."""

    async def repin(self) -> None:
        """Forget the remembered certificate; the next one that names this printer is accepted."""
        raise NotSupported("this printer has no pinned certificate")

    def debug(self) -> Mapping[str, Any]:
        """Facts for the support bundle, without secrets."""
        return {}


@dataclass(frozen=True)
class Discovered:
    """A printer in the network. ``options`` would complete its section; it may be private."""

    host: str
    model: Optional[str] = None
    name: Optional[str] = None
    firmware: Optional[str] = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BridgeType:
    """``parse`` reads the section's own options; ``create`` builds the bridge (no I/O)."""

    name: str
    label: str  # what people call it
    parse: Callable[[OptionReader], Mapping[str, Any]]
    create: Callable[[PrinterSettings, BridgeHost], Bridge]
    default_port: Optional[int] = None
    tls_modes: tuple[str, ...] = ()
    needs_host: bool = True
    #: printers that make themselves known within so many seconds
    discover: Optional[Callable[[float], Awaitable[list[Discovered]]]] = None
    #: which printer stands at an address, asked without credentials
    probe: Optional[Callable[[str], Awaitable[Optional[Discovered]]]] = None


_TYPES: dict[str, BridgeType] = {}


def register_bridge_type(bridge_type: BridgeType) -> None:
    """Make ``type: <name>`` known; a second registration of a name replaces the first."""
    _TYPES[bridge_type.name] = bridge_type


def bridge_types() -> Mapping[str, BridgeType]:
    return dict(_TYPES)
