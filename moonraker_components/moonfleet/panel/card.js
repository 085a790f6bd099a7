// One printer's card. Built once, then only changed words and widths are written.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

import { arrange, el, safeUrl, setAttribute, setFill, setText, show } from "./dom.js";
import { clock, duration, isNumber, percent } from "./format.js";
import { HeaterRow, heaterNames, isHeating } from "./heaters.js";
import { text } from "./strings.js";

const ACTIONS = ["pause", "resume", "cancel"];
const POSSIBLE = { pause: ["printing"], resume: ["paused"], cancel: ["printing", "paused"] };

export function isOnline(info) {
  return info.online === true;
}

/** {word, tone} of the badge. */
export function badge(info) {
  if (!isOnline(info)) {
    const link = info.connection?.state ?? "offline";
    const tone = ["connecting", "disabled"].includes(link) ? "calm" : "bad";
    return { word: text(`connection.${link}`), tone };
  }
  const state = info.snapshot?.state ?? "none";
  if (state === "standby" && isHeating(info)) return { word: text("heating"), tone: "heat" };
  const tones = { printing: "go", paused: "wait", complete: "done", error: "bad" };
  return { word: text(`state.${state}`), tone: tones[state] ?? "calm" };
}

/** Whether the job on the screen is still the printer's business. */
export function running(info) {
  return ["printing", "paused"].includes(info.snapshot?.state);
}

/** When the job ends (Unix), or null where the printer does not say. */
export function jobEnd(store, info) {
  const left = info.snapshot?.job?.time_left;
  if (info.snapshot?.state !== "printing" || !isOnline(info) || !isNumber(left)) return null;
  return store.due(info.name, "job", left);
}

export class Card {
  constructor(name, command) {
    this.name = name;
    this.command = command;
    this.rows = new Map();
    this.faultKey = "";
    this.asking = null;
    this.title = el("h3", { id: `printer-${name}` });
    this.kind = el("p", { class: "kind" });
    this.badge = el("p", { class: "badge" });
    this.stage = el("p", { class: "stage" });
    this.trouble = el("p", { class: "trouble" });
    this.job = this.buildJob();
    this.heaters = el("ul", { class: "heaters", "aria-label": text("heaters") });
    this.faults = el("ul", { class: "faults", "aria-label": text("faults") });
    this.buttons = new Map(ACTIONS.map((action) => [action, el("button", {
      type: "button", class: `act ${action}`, onclick: () => this.press(action),
    }, text(`action.${action}`))]));
    this.confirm = this.buildConfirm();
    this.outcome = el("p", { class: "outcome", role: "status" });
    this.actions = el("div", { class: "actions" }, ...this.buttons.values(), this.confirm);
    this.node = el("li", { class: "card", "aria-labelledby": this.title.id },
      el("div", { class: "head" }, el("div", {}, this.title, this.kind), this.badge),
      this.trouble, this.stage, this.job, this.faults, this.heaters, this.actions, this.outcome);
  }

  buildJob() {
    this.jobName = el("p", { class: "job-name" });
    this.jobPercent = el("b", { class: "job-percent" });
    this.jobFill = el("i");
    this.jobBar = el("div", { class: "bar", role: "progressbar", "aria-valuemin": 0,
      "aria-valuemax": 100 }, this.jobFill);
    this.jobLeft = el("span");
    this.jobLayer = el("span");
    return el("div", { class: "job" },
      el("div", { class: "job-head" }, this.jobName, this.jobPercent), this.jobBar,
      el("p", { class: "job-facts" }, this.jobLeft, this.jobLayer));
  }

  buildConfirm() {
    const close = () => {
      show(this.confirm, false);
      this.buttons.get("cancel").focus();
    };
    this.yes = el("button", { type: "button", class: "act danger", onclick: () => {
      close();
      this.run("cancel");
    } }, text("sureYes"));
    const no = el("button", { type: "button", class: "act", onclick: close }, text("sureNo"));
    return el("div", { class: "confirm", role: "group", "aria-label": text("sure"), hidden: true,
      onkeydown: (event) => {
        if (event.key === "Escape") close();
      } }, el("span", {}, text("sure")), this.yes, no);
  }

  press(action) {
    if (action !== "cancel") {
      this.run(action);
      return;
    }
    show(this.confirm, true);
    this.yes.focus();
  }

  async run(action) {
    this.asking = action;
    this.say("calm", text(`asking.${action}`));
    this.refreshButtons();
    try {
      const reply = await this.command(this.name, action);
      this.say(...verdict(action, reply));
    } catch (error) {
      this.say("bad", text("actionFailed", { message: error.message }));
    }
    this.asking = null;
    this.refreshButtons();
  }

  say(tone, words) {
    setAttribute(this.outcome, "data-tone", tone);
    setText(this.outcome, words);
  }

  update(store, info) {
    this.info = info;
    const snapshot = info.snapshot ?? {};
    const { word, tone } = badge(info);
    setText(this.title, info.display_name || info.name);
    setText(this.kind, [text(`types.${info.type}`), snapshot.model].filter(Boolean).join(" · "));
    setText(this.badge, word);
    setAttribute(this.badge, "data-tone", tone);
    setAttribute(this.node, "data-online", isOnline(info));
    this.updateStage(snapshot);
    this.updateTrouble(store, info);
    this.updateJob(store, info, snapshot);
    this.updateFaults(snapshot.faults ?? []);
    const names = heaterNames(info);
    for (const name of names) {
      if (!this.rows.has(name)) this.rows.set(name, new HeaterRow(name));
    }
    arrange(this.heaters, names.map((name) => this.rows.get(name).node));
    show(this.heaters, names.length > 0);
    this.tick(store);
    this.refreshButtons();
  }

  /** What changes by itself as time passes. */
  tick(store) {
    if (!this.info) return;
    for (const row of this.rows.values()) row.update(store, this.info);
    const end = jobEnd(store, this.info);
    const left = this.info.snapshot?.job?.time_left;
    if (end !== null) {
      const now = store.shown;
      setText(this.jobLeft, `${text("left", { time: duration(end - now) })}, ${
        text("ends", { clock: clock(end, now) })}`);
    } else {
      setText(this.jobLeft, running(this.info) && isNumber(left)
        ? text("left", { time: duration(left) }) : "");
    }
  }

  updateStage(snapshot) {
    // a stage that only repeats the badge is no news
    const words = [...new Set([snapshot.stage, snapshot.message])]
      .filter((word) => word && word.toLowerCase() !== this.badge.textContent.toLowerCase());
    setText(this.stage, words.join(" · "));
    show(this.stage, isOnline(this.info) && words.length > 0);
  }

  updateTrouble(store, info) {
    const parts = [];
    if (info.connection?.message) parts.push(info.connection.message);
    if (!isOnline(info) && isNumber(info.connection?.last_report)) {
      parts.push(text("lastSeen", { clock: clock(info.connection.last_report, store.shown) }));
    }
    if (isOnline(info) && info.snapshot?.accepts_commands === "no") parts.push(text("readOnly"));
    setText(this.trouble, parts.join(" "));
    show(this.trouble, parts.length > 0);
  }

  updateJob(store, info, snapshot) {
    const job = snapshot.job;
    show(this.job, Boolean(job) && (running(info) || Boolean(job.name || job.filename)));
    if (!job) return;
    const name = job.name || job.filename || text("unnamedJob");
    setText(this.jobName, name);
    setAttribute(this.jobName, "title", name);
    const known = isNumber(job.progress);
    setText(this.jobPercent, known ? percent(job.progress) : "");
    show(this.jobBar, known);
    setAttribute(this.jobBar, "aria-label", text("progressOf", { job: name }));
    setAttribute(this.jobBar, "aria-valuenow", known ? Math.round(job.progress * 100) : null);
    setFill(this.jobFill, job.progress);
    setAttribute(this.job, "data-state", snapshot.state);
    const layer = isNumber(job.layer) && isNumber(job.layers) && job.layers > 0
      ? text("layer", { layer: job.layer, layers: job.layers })
      : isNumber(job.layer) ? text("layerOnly", { layer: job.layer }) : "";
    setText(this.jobLayer, layer);
  }

  updateFaults(faults) {
    const key = JSON.stringify(faults);
    if (key === this.faultKey) return;
    this.faultKey = key;
    show(this.faults, faults.length > 0);
    this.faults.replaceChildren(...faults.map((fault) => {
      const url = safeUrl(fault.url);
      return el("li", { "data-severity": fault.severity },
        el("b", {}, text(`severity.${fault.severity}`)), " ", el("code", {}, fault.code), " ",
        url ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer",
          "aria-label": `${text("help")}: ${fault.code}` }, text("help")) : null);
    }));
  }

  refreshButtons() {
    const info = this.info;
    if (!info) return;
    const allowed = info.capabilities ?? [];
    let any = false;
    for (const [action, button] of this.buttons) {
      const offered = isOnline(info) && allowed.includes(action)
        && POSSIBLE[action].includes(info.snapshot?.state);
      show(button, offered);
      button.disabled = this.asking !== null;
      setAttribute(button, "aria-label",
        text("actionOn", { action: text(`action.${action}`), printer: info.display_name || info.name }));
      any = any || offered;
    }
    if (!any) show(this.confirm, false);
    show(this.actions, any);
  }
}

/** [tone, words] for a command's reply: only what the printer itself has shown counts as done. */
export function verdict(action, reply) {
  if (reply?.result === "accepted") return ["ready", text(`accepted.${action}`)];
  if (reply?.result === "rejected") {
    return ["bad", reply.reason ? text("rejected", { reason: reply.reason }) : text("rejectedPlain")];
  }
  return ["wait", reply?.reason ? text("unconfirmedWhy", { reason: reply.reason })
    : text("unconfirmed")];
}
