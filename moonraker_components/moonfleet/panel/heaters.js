// What is said of a heater: its words, its countdown, its row on the card.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

import { el, setAttribute, setFill, setText, show } from "./dom.js";
import { clock, countdown, duration, heaterName, isNumber, target, temperature } from "./format.js";
import { text } from "./strings.js";

const ORDER = ["extruder", "extruder1", "heater_bed", "chamber"];
const TONES = {
  heating: "heat", approaching: "heat", settling: "heat", ready: "ready", cooling: "cool",
  stalled: "bad", unreachable: "bad",
};

/** The names of a printer's heaters, the known ones first. */
export function heaterNames(info) {
  const temperatures = info.snapshot?.heaters ?? {};
  const names = new Set([
    ...Object.keys(temperatures).filter((name) => temperatures[name]),
    ...Object.keys(info.heaters ?? {}),
  ]);
  const rank = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...names].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** When the heater will be ready (Unix), or null. */
export function readyTime(store, printer, heater, eta) {
  if (!eta || !eta.heating || eta.ready) return null;
  if (isNumber(eta.ready_at)) return eta.ready_at;
  return isNumber(eta.eta) ? store.due(printer, `${heater}/ready`, eta.eta) : null;
}

/** When the heater will be cool (Unix), or null. */
export function coolTime(store, printer, heater, eta) {
  if (!eta || eta.state !== "cooling" || !isNumber(eta.cooldown_eta)) return null;
  return store.due(printer, `${heater}/cool`, eta.cooldown_eta);
}

/** Whether any heater of the printer is on its way to its target. */
export function isHeating(info) {
  return Object.values(info.heaters ?? {}).some((eta) => eta?.heating && !eta.ready);
}

/** {tone, main, detail, fill}: the words beside the temperature. */
export function describe(store, printer, heater, eta, reading) {
  const now = store.shown;
  // a reading without a target is a sensor: there is nothing to be ready for
  const state = eta?.state ?? (reading?.target === 0 ? "off" : "unknown");
  const said = { tone: TONES[state] ?? "calm", main: "", detail: "", fill: null };
  const ready = readyTime(store, printer, heater, eta);
  const cool = coolTime(store, printer, heater, eta);
  if (ready !== null) {
    const left = ready - now;
    const spread = isNumber(eta.eta_high) && isNumber(eta.eta_low)
      ? Math.max(1, (eta.eta_high - eta.eta_low) / 2) : null;
    const at = clock(ready, now, { seconds: left < 600 });
    said.main = left > 0.5 ? text("readyIn", { time: countdown(left) }) : text("soon");
    said.detail = spread === null ? at : text("spread", { clock: at, spread: duration(spread) });
    if (state === "settling") said.detail = `${text("reachedSettling")} · ${said.detail}`;
    said.fill = isNumber(eta.progress) ? eta.progress : null;
  } else if (cool !== null) {
    said.main = cool - now > 0.5 ? text("coolIn", { time: countdown(cool - now) }) : text("soon");
    said.detail = text("coolAt", { clock: clock(cool, now) });
  } else if (state === "ready") {
    said.main = text("ready");
  } else if (state === "unknown") {
    said.main = reading?.target > 0 ? text("estimating") : "";
  } else {
    const words = { off: "off", cooling: "cooling", cooled: "cooled", calibrating: "calibrating",
      stalled: "stalled", unreachable: "unreachable", settling: "reachedSettling" };
    said.main = text(words[state] ?? "estimating");
  }
  return said;
}

/** One line of a card: name, temperature and target, what comes next, a thin bar of the way there. */
export class HeaterRow {
  constructor(heater) {
    this.heater = heater;
    this.now = el("b");
    this.goal = el("span", { class: "goal" });
    this.main = el("span", { class: "eta-main" });
    this.detail = el("span", { class: "eta-detail" });
    this.fill = el("i");
    this.bar = el("span", { class: "way", "aria-hidden": "true" }, this.fill);
    this.node = el("li", { class: "heater" },
      el("span", { class: "heater-name" }, heaterName(heater)),
      el("span", { class: "reading" }, this.now, this.goal),
      el("span", { class: "eta" }, this.main, " ", this.detail),
      this.bar);
  }

  update(store, info) {
    const reading = info.snapshot?.heaters?.[this.heater] ?? null;
    const eta = info.heaters?.[this.heater] ?? null;
    const measured = temperature(reading?.temperature);
    setText(this.now, measured === null ? text("noTemperature") : text("degrees", { value: measured }));
    const wanted = isNumber(reading?.target) && reading.target > 0;
    setText(this.goal, wanted ? ` → ${target(reading.target)}` : "");
    const said = describe(store, info.name, this.heater, eta, reading);
    setAttribute(this.node, "data-tone", said.tone);
    setText(this.main, said.main);
    setText(this.detail, said.detail);
    setAttribute(this.node, "title",
      eta?.learned > 0 ? text("learned", { count: eta.learned }) : null);
    show(this.bar, said.fill !== null);
    setFill(this.fill, said.fill);
  }
}
