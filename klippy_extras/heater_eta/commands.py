# The G-code commands of heater_eta
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""HEATER_ETA, HEATER_ETA_WAIT, HEATER_ETA_PREHEAT, HEATER_ETA_RESET."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Optional

from . import compat
from .display import clock
from .monitor import HeaterMonitor
from .waiting import Wait, wait_for

if TYPE_CHECKING:
    from .heater_eta import HeaterEta


HEADINGS = ("heater", "now", "target", "state", "ready in", "80 %", "learned")


def row_of(monitor: HeaterMonitor, waits: bool) -> tuple[str, ...]:
    """One line of the table, in the words a person uses."""
    status = monitor.get_status(0.0)
    state, eta = status["state"], status["eta"]
    low, high = status["eta_low"], status["eta_high"]
    when = between = ""
    if status["cooldown_eta"]:
        when = f"cool {clock(status['cooldown_eta'])}"
    elif waits:
        when = "its turn"
    elif eta is None:
        when = "?"
    elif status["heating"]:
        when = clock(eta)
        if low is not None and high is not None:
            between = f"{clock(low)}-{clock(high)}"
    elif status["ready"]:
        when = "now"
    temp = monitor.temperature
    return (
        monitor.name,
        "?" if temp is None else f"{temp:.1f}",
        f"{status['target']:.0f}" if status["target"] > 0.0 else "-",
        state,
        when,
        between,
        str(status["learned"]),
    )


def table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in (HEADINGS, *rows)) for i in range(len(HEADINGS))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip()
        for row in (HEADINGS, *rows)
    ]


class Commands:
    def __init__(self, hub: HeaterEta) -> None:
        self.hub = hub
        self.printer = hub.printer
        gcode = self.printer.lookup_object("gcode")
        for name, handler, text in (
            ("HEATER_ETA", self.cmd_eta, "Show when each heater will be ready"),
            ("HEATER_ETA_WAIT", self.cmd_wait, "Wait until a heater is ready, cool or stable"),
            (
                "HEATER_ETA_PREHEAT",
                self.cmd_preheat,
                "Heat several heaters so that all become ready together",
            ),
            ("HEATER_ETA_RESET", self.cmd_reset, "Forget what was learned about a heater"),
        ):
            gcode.register_command(name, self._guarded(name, handler), desc=text)

    def _guarded(self, name: str, handler: Callable[[Any], None]) -> Callable[[Any], None]:
        """klippy shuts the printer down when a command raises anything but its own error."""

        def run(gcmd: Any) -> None:
            try:
                handler(gcmd)
            except self.printer.command_error:
                raise
            except Exception as err:
                self.hub.complain(name, err)
                raise gcmd.error(f"{name} failed ({type(err).__name__}); see klippy.log") from err

        return run

    def _monitor(self, gcmd: Any, name: str) -> HeaterMonitor:
        monitor = self.hub.monitors.get(name)
        if monitor is None:
            have = ", ".join(sorted(self.hub.monitors)) or "none"
            raise gcmd.error(f"The value '{name}' is not valid for HEATER. Options: {have}")
        return monitor

    def _chosen(self, gcmd: Any) -> list[HeaterMonitor]:
        name = gcmd.get("HEATER", None)
        if name is None:
            return list(self.hub.monitors.values())
        return [self._monitor(gcmd, name)]

    def cmd_eta(self, gcmd: Any) -> None:
        monitors = self._chosen(gcmd)
        if not monitors:
            gcmd.respond_info("heater_eta: this printer has no heaters")
            return
        lines = table([row_of(m, self.hub.preheat.pending(m)) for m in monitors])
        for monitor in monitors:
            health = monitor.get_status(0.0)["health"]
            if health:
                lines.append(f"{monitor.name}: {health}")
        whole = self.hub.get_status(0.0)
        if whole["heating"]:
            lines.append(f"all ready in {clock(whole['eta'])} (held up by {whole['heater']})")
        gcmd.respond_info("\n".join(lines))

    def cmd_wait(self, gcmd: Any) -> None:
        below = gcmd.get_float("BELOW", None, above=0.0)
        slope = gcmd.get_float("SLOPE", None, above=0.0)
        duration = gcmd.get_float("DURATION", None, minval=0.0, maxval=86400.0)
        timeout = gcmd.get_float("TIMEOUT", None, above=0.0)
        if below is not None and slope is not None:
            raise gcmd.error("HEATER_ETA_WAIT takes BELOW or SLOPE, not both")
        if duration is not None and slope is None:
            raise gcmd.error("HEATER_ETA_WAIT: DURATION needs SLOPE (degrees per minute)")
        monitors = self._chosen(gcmd)
        if below is None and slope is None:
            if gcmd.get("HEATER", None) is None:
                monitors = [
                    m
                    for m in monitors
                    if m.can_heat and (m.heater.target_temp > 0.0 or self.hub.preheat.pending(m))
                ]
            elif not self._will_heat(monitors[0]):
                raise gcmd.error(
                    f"{monitors[0].name} has no target to wait for; set one, or use BELOW="
                )
        elif gcmd.get("HEATER", None) is None:
            raise gcmd.error("HEATER_ETA_WAIT: BELOW and SLOPE need HEATER")
        if below is not None and monitors[0].can_heat:
            target = monitors[0].heater.target_temp
            if target >= below:
                raise gcmd.error(
                    f"{monitors[0].name} is held at {target:.0f}; it cannot fall below {below:.0f}"
                )
        for monitor in monitors:
            wait_for(self.hub, gcmd, Wait(monitor, below, slope, duration, timeout))

    def _will_heat(self, monitor: HeaterMonitor) -> bool:
        if not monitor.can_heat:
            return False
        return monitor.heater.target_temp > 0.0 or self.hub.preheat.pending(monitor)

    def cmd_preheat(self, gcmd: Any) -> None:
        sequence = bool(gcmd.get_int("SEQUENCE", 0, minval=0, maxval=1))
        by_name = {n.upper(): m for n, m in self.hub.monitors.items() if m.can_heat}
        targets: dict[HeaterMonitor, float] = {}
        for key in gcmd.get_command_parameters():
            if key == "SEQUENCE":
                continue
            if key not in by_name:
                have = ", ".join(sorted(by_name)) or "none"
                raise gcmd.error(f"HEATER_ETA_PREHEAT: no heater '{key}'. Options: {have}")
            monitor = by_name[key]
            targets[monitor] = self._checked(gcmd, monitor, gcmd.get_float(key))
        if not targets:
            raise gcmd.error("HEATER_ETA_PREHEAT needs targets, such as HEATER_BED=60 EXTRUDER=215")
        self.hub.preheat.start(targets, sequence)

    @staticmethod
    def _checked(gcmd: Any, monitor: HeaterMonitor, target: float) -> float:
        """Refuse before anything heats."""
        low: Optional[float] = compat.finite(monitor.heater.min_temp)
        high: Optional[float] = compat.finite(monitor.heater.max_temp)
        value = compat.finite(target)
        if value is None or value < 0.0:
            raise gcmd.error(f"{monitor.name}: not a temperature")
        if value and ((low is not None and value < low) or (high is not None and value > high)):
            raise gcmd.error(f"Requested temperature ({value:.1f}) out of range ({low}:{high})")
        return value

    def cmd_reset(self, gcmd: Any) -> None:
        monitor = self._monitor(gcmd, gcmd.get("HEATER"))
        self.hub.forget(monitor)
        gcmd.respond_info(f"heater_eta: {monitor.name} starts from scratch")
