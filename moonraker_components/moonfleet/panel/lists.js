// The strip of what comes next, and the two lists of what was.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

import { isOnline, jobEnd } from "./card.js";
import { arrange, el, setAttribute, setText, show } from "./dom.js";
import { clock, countdown, duration, heaterName, isNumber } from "./format.js";
import { coolTime, heaterNames, readyTime } from "./heaters.js";
import { text, textOrNull } from "./strings.js";

const SHOWN_NEXT = 6;
const SHOWN_LOG = 12;

function label(store, name) {
  const info = store.printers.get(name);
  return info?.display_name || name;
}

/** Every moment that is predicted, soonest first: {key, tone, words, printer, time}. */
export function upcoming(store) {
  const moments = [];
  for (const info of store.printers.values()) {
    const printer = label(store, info.name);
    const end = jobEnd(store, info);
    if (end !== null) {
      moments.push({ key: `${info.name} job`, tone: "go", words: text("nextDone"), printer, time: end });
    }
    if (!isOnline(info)) continue;
    for (const heater of heaterNames(info)) {
      const eta = info.heaters?.[heater];
      const ready = readyTime(store, info.name, heater, eta);
      const cool = coolTime(store, info.name, heater, eta);
      const time = ready ?? cool;
      if (time === null) continue;
      moments.push({
        key: `${info.name} ${heater}`, tone: ready === null ? "cool" : "heat", printer, time,
        words: text(ready === null ? "nextCool" : "nextReady", { heater: heaterName(heater) }),
      });
    }
  }
  return moments.sort((a, b) => a.time - b.time).slice(0, SHOWN_NEXT);
}

export class NextStrip {
  constructor(section, list) {
    this.section = section;
    this.list = list;
    this.items = new Map();
  }

  tick(store) {
    const moments = upcoming(store);
    const now = store.shown;
    show(this.section, moments.length > 0);
    arrange(this.list, moments.map((moment) => {
      let item = this.items.get(moment.key);
      if (!item) {
        item = { left: el("b"), words: el("span"), printer: el("span", { class: "who" }) };
        item.node = el("li", {}, item.left, item.words, item.printer);
        this.items.set(moment.key, item);
      }
      const left = moment.time - now;
      setAttribute(item.node, "data-tone", moment.tone);
      setText(item.left, left > 0.5 ? countdown(left) : text("soon"));
      setText(item.words, moment.words);
      setText(item.printer, `${moment.printer} · ${clock(moment.time, now)}`);
      return item.node;
    }));
    for (const [key, item] of this.items) {
      if (!item.node.isConnected) this.items.delete(key);
    }
  }
}

/** Ended and running jobs, newest first. */
export class JobList {
  constructor(list) {
    this.list = list;
    this.jobs = new Map();
  }

  replace(jobs) {
    this.jobs = new Map(jobs.map((job) => [job.job_id, job]));
  }

  change(action, job) {
    if (!job?.job_id) return;
    if (action === "deleted") this.jobs.delete(job.job_id);
    else this.jobs.set(job.job_id, job);
  }

  draw(store) {
    const ended = [...this.jobs.values()].filter((job) => job.status !== "in_progress")
      .sort((a, b) => (b.end_time ?? b.start_time ?? 0) - (a.end_time ?? a.start_time ?? 0))
      .slice(0, SHOWN_LOG);
    const now = store.shown;
    const rows = ended.map((job) => el("li", { "data-status": job.status },
      el("span", { class: "when" }, isNumber(job.end_time) ? clock(job.end_time, now) : ""),
      el("span", { class: "what" }, el("b", {}, job.name || job.filename || text("unnamedJob")),
        el("span", { class: "who" }, [label(store, job.printer),
          isNumber(job.print_duration) && job.print_duration > 0
            ? duration(job.print_duration) : null].filter(Boolean).join(" · "))),
      el("span", { class: "tag" }, text(`status.${job.status}`))));
    this.list.replaceChildren(...(rows.length ? rows : [el("li", { class: "empty" }, text("noJobs"))]));
  }
}

/** The words of an event; null for a type this page does not know. */
export function eventWords(event) {
  const job = event.job?.name ?? event.name ?? event.filename ?? event.job?.filename ?? text("aJob");
  return textOrNull(`event.${event.type}`, {
    code: event.code ?? "", job, heater: heaterName(String(event.heater ?? "")),
    action: text(`action.${event.action}`), reason: event.reason ?? text("noReason"),
    status: text(`status.${event.status ?? event.job?.status}`).toLowerCase(),
  });
}

export class EventList {
  constructor(list) {
    this.list = list;
    this.events = [];
  }

  replace(events) {
    this.events = [...events].sort((a, b) => (b.time ?? 0) - (a.time ?? 0)).slice(0, SHOWN_LOG);
  }

  add(event) {
    if (event) this.replace([event, ...this.events.filter((known) => known.id !== event.id)]);
  }

  draw(store) {
    const now = store.shown;
    const rows = this.events.filter(eventWords).map((event) => el("li", { "data-type": event.type },
      el("span", { class: "when" }, isNumber(event.time) ? clock(event.time, now) : ""),
      el("span", { class: "what" }, el("b", {}, label(store, event.printer)),
        el("span", { class: "who" }, eventWords(event)))));
    this.list.replaceChildren(...(rows.length ? rows : [el("li", { class: "empty" }, text("noEvents"))]));
  }
}
