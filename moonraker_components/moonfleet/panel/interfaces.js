// One button each: the printers in Mainsail's list, and in Fluidd's.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

import { basePath } from "./connection.js";
import { el, setAttribute, setText, show } from "./dom.js";
import { text } from "./strings.js";

const FLUIDD = "appInstances"; // where Fluidd keeps its printers: in the browser, per address
const OURS = "moonfleet.fluidd"; // which of them came from here

/** The printers as Fluidd lists them, as this browser reaches them. */
function fluiddEntries(printers) {
  const base = basePath(location.pathname);
  return printers.map((info) => {
    const path = info.virtual.path.startsWith(`${base}/`) ? info.virtual.path
      : base + info.virtual.path;
    const apiUrl = location.origin + path;
    return {
      apiUrl, socketUrl: `${apiUrl.replace(/^http/, "ws")}/websocket`, active: false,
      name: info.display_name ?? info.name,
    };
  });
}

function stored(key) {
  const found = JSON.parse(localStorage.getItem(key) ?? "null");
  return Array.isArray(found) ? found : null;
}

/** What is there stays as it is; returns how many printers are listed now. */
function addToFluidd(printers) {
  const list = stored(FLUIDD);
  if (!list) throw new Error(text("lists.openFluidd"));
  const known = new Set(list.map((entry) => entry?.apiUrl));
  const entries = fluiddEntries(printers);
  const added = entries.filter((entry) => !known.has(entry.apiUrl));
  localStorage.setItem(FLUIDD, JSON.stringify([...list, ...added]));
  const ours = new Set([...(stored(OURS) ?? []), ...added.map((entry) => entry.apiUrl)]);
  localStorage.setItem(OURS, JSON.stringify([...ours]));
  return entries.length;
}

/** Only what came from here; the one that Fluidd has open stays; returns how many stay. */
function removeFromFluidd() {
  const ours = new Set(stored(OURS) ?? []);
  const list = stored(FLUIDD) ?? [];
  const stays = list.filter((entry) => !ours.has(entry?.apiUrl) || entry.active);
  if (stored(FLUIDD)) localStorage.setItem(FLUIDD, JSON.stringify(stays));
  const left = stays.map((entry) => entry?.apiUrl).filter((url) => ours.has(url));
  localStorage.setItem(OURS, JSON.stringify(left));
  return left.length;
}

/** One interface: its name, two buttons, and what came of them. */
class Row {
  constructor(name, title, actions) {
    this.title = title;
    this.actions = actions;
    this.outcome = el("p", { class: "outcome", role: "status" });
    this.add = el("button", { class: "act", "data-list": `${name}-add`, onclick: () => this.run("add") },
      text("lists.add", { title }));
    this.remove = el("button", { class: "act", "data-list": `${name}-remove`, onclick: () => this.run("remove") },
      text("lists.remove"));
    this.node = el("div", { class: "list-row" }, this.add, this.remove, this.outcome);
  }

  async run(action) {
    this.add.disabled = this.remove.disabled = true;
    let tone = "ready";
    let words;
    try {
      const count = await this.actions[action]();
      words = action === "add" ? text("lists.added", { title: this.title, count })
        : text(count ? "lists.kept" : "lists.removed", { title: this.title, count });
    } catch (error) {
      tone = "bad";
      words = text("lists.failed", { message: error.message });
    }
    setAttribute(this.outcome, "data-tone", tone);
    setText(this.outcome, words);
    this.add.disabled = this.remove.disabled = false;
  }
}

export class Interfaces {
  constructor(section, connection, printers) {
    this.section = section;
    this.printers = () => printers().filter((info) => info.virtual?.path);
    const here = () => ({
      hostname: location.hostname,
      port: Number(location.port) || (location.protocol === "https:" ? 443 : 80),
    });
    const mainsail = async (verb, params) => {
      const { listed } = await connection.call(`server.moonfleet.${verb}_mainsail`, params);
      return listed.length;
    };
    this.rows = [
      new Row("mainsail", "Mainsail", {
        add: () => mainsail("post", here()), remove: () => mainsail("delete", {}),
      }),
      new Row("fluidd", "Fluidd", {
        add: async () => addToFluidd(this.printers()), remove: async () => removeFromFluidd(),
      }),
    ];
    section.append(el("summary", {}, text("lists.title")), el("p", { class: "hint" }, text("lists.hint")),
      ...this.rows.map((row) => row.node));
  }

  draw() {
    show(this.section, this.printers().length > 0);
  }
}
