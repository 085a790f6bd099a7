// Numbers and times as people read them.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

import { text } from "./strings.js";

const DAY = 86400;

export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** A countdown: 0:42, 12:05, then "1 h 20 min". */
export function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole >= 3600) return duration(whole);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A length of time that nobody watches by the second. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return text("seconds", { s: whole });
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return text("minutes", { m: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return text("hours", { h: hours, m: String(minutes % 60).padStart(2, "0") });
  return text("days", { d: Math.floor(hours / 24), h: hours % 24 });
}

const clockShort = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const clockLong = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const clockDay = new Intl.DateTimeFormat(undefined, {
  weekday: "short", hour: "2-digit", minute: "2-digit",
});
const clockDate = new Intl.DateTimeFormat(undefined, {
  day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit",
});

/** A Unix time as a clock reading, with the day once it is not today's. */
export function clock(unix, now, { seconds = false } = {}) {
  const date = new Date(unix * 1000);
  const today = new Date(now * 1000);
  if (date.toDateString() === today.toDateString()) {
    return (seconds ? clockLong : clockShort).format(date);
  }
  return (Math.abs(unix - now) < 6 * DAY ? clockDay : clockDate).format(date);
}

export function temperature(value) {
  return isNumber(value) ? value.toFixed(1) : null;
}

export function target(value) {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

export function percent(fraction) {
  const value = Math.min(100, Math.max(0, fraction * 100));
  return text("percent", { value: Math.floor(value + 1e-9) });
}

/** "extruder" -> Extruder, "heater_generic chamber" -> chamber. */
export function heaterName(name) {
  const numbered = /^extruder(\d+)$/.exec(name);
  if (numbered) return text("extruderN", { number: numbered[1] });
  if (name.startsWith("heater_generic ")) return name.slice("heater_generic ".length);
  return text(`heater.${name}`);
}
