// The page: one connection, one store, cards that follow.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

import { Card, isOnline } from "./card.js";
import { Connection } from "./connection.js";
import { arrange, el, setAttribute, setText, show } from "./dom.js";
import { isHeating } from "./heaters.js";
import { Interfaces } from "./interfaces.js";
import { EventList, JobList, NextStrip } from "./lists.js";
import { askLogin } from "./login.js";
import { Store } from "./store.js";
import { text } from "./strings.js";

const byId = (id) => document.getElementById(id);
const store = new Store();
const cards = new Map();
const dirty = new Set();
const next = new NextStrip(byId("next"), byId("next-list"));
const jobs = new JobList(byId("jobs"));
const events = new EventList(byId("events"));
let warnings = [];
let scheduled = false;
let live = false;

for (const node of document.querySelectorAll("[data-text]")) setText(node, text(node.dataset.text));

function setLink(state, words) {
  live = state === "live";
  setAttribute(byId("link"), "data-state", state);
  setText(byId("link"), words);
  document.body.classList.toggle("stale", state === "lost");
}

function notice(...lines) {
  byId("notices").replaceChildren(...lines.filter(Boolean).map(({ tone, words }) =>
    el("p", { class: `notice ${tone}`, role: tone === "error" ? "alert" : null }, words)));
}

function warningLines() {
  return warnings.map((words) => ({ tone: "warning", words }));
}

function schedule(name) {
  if (name) dirty.add(name);
  if (scheduled) return;
  scheduled = true;
  setTimeout(draw, 100); // a fleet that chatters is drawn ten times a second at most
}

function draw() {
  scheduled = false;
  for (const name of dirty) {
    const info = store.printers.get(name);
    if (info) cards.get(name)?.update(store, info);
  }
  dirty.clear();
  summarize();
  next.tick(store);
}

function tick() {
  store.tick();
  for (const card of cards.values()) card.tick(store);
  next.tick(store);
}

function drawAll() {
  for (const name of cards.keys()) {
    if (!store.printers.has(name)) cards.delete(name);
  }
  for (const name of store.printers.keys()) {
    if (!cards.has(name)) cards.set(name, new Card(name, command));
    dirty.add(name);
  }
  const list = [...store.printers.keys()].map((name) => cards.get(name).node);
  arrange(byId("printers"), list.length ? list : [el("li", { class: "empty" }, text("noPrinters"))]);
  jobs.draw(store);
  events.draw(store);
  interfaces.draw();
  draw();
  show(byId("content"), true);
}

function summarize() {
  const all = [...store.printers.values()];
  const online = all.filter(isOnline);
  const printing = online.filter((info) => info.snapshot?.state === "printing").length;
  const heating = online.filter(isHeating).length;
  const faulty = online.filter((info) => info.snapshot?.faults?.length).length;
  const parts = [text("onlineOf", { online: online.length, count: all.length })];
  if (printing) parts.push(text("printingCount", { count: printing }));
  if (heating) parts.push(text("heatingCount", { count: heating }));
  if (faulty) parts.push(text("faultCount", { count: faulty }));
  setText(byId("summary"), all.length ? parts.join(" · ") : "");
}

function command(printer, action) {
  return connection.call(`server.moonfleet.print.${action}`, { printer });
}

/** Ask for what an older server may not know; the page works without it. */
async function optional(method, params) {
  try {
    return await connection.call(method, params);
  } catch (error) {
    if (error.code === 0) throw error;
    return null;
  }
}

async function refresh() {
  try {
    const eta = await optional("server.moonfleet.eta");
    if (eta) store.setServerTime(eta.time);
    const { printers } = await connection.call("server.moonfleet.printers");
    store.replaceAll(printers);
    store.tick();
    const status = await optional("server.moonfleet.status");
    warnings = (status?.warnings ?? []).map(String);
    if (status?.version) setText(byId("version"), text("version", { version: status.version }));
    jobs.replace((await optional("server.moonfleet.history.list", { limit: 20 }))?.jobs ?? []);
    events.replace((await optional("server.moonfleet.events", { limit: 20 }))?.events ?? []);
    notice(...warningLines());
    show(byId("login"), false);
    setLink("live", text("live"));
    drawAll();
  } catch (error) {
    if (error.code === 0) return; // the wire broke: the next connection tries again
    const missing = error.unknownMethod;
    setLink("failed", text("connection.offline"));
    notice({ tone: "error", words: missing ? text("noComponent")
      : text("failed", { message: error.message }) });
  }
}

const NOTIFICATIONS = {
  notify_moonfleet_status_update([updates]) {
    if (!live || !updates) return;
    if (!store.apply(updates)) refresh();
    for (const name of Object.keys(updates)) schedule(name);
  },
  notify_moonfleet_history_changed([change]) {
    jobs.change(change?.action, change?.job);
    jobs.draw(store);
  },
  notify_moonfleet_event([event]) {
    events.add(event);
    events.draw(store);
  },
};

const connection = new Connection({
  onReady: refresh,
  onNotify: (method, params) => {
    if (Object.hasOwn(NOTIFICATIONS, method)) NOTIFICATIONS[method](params);
  },
  onLost: (seconds) => {
    setLink("lost", text("lost", { seconds }));
    notice(cards.size ? { tone: "warning", words: text("lostNotice") } : null);
  },
  onLogin: (info, login) => {
    setLink("failed", text("loginTitle"));
    notice();
    askLogin(byId("login"), info, login);
  },
  onError: (error) => {
    setLink("failed", text("connection.offline"));
    notice({ tone: "error", words: text("failed", { message: error.message }) });
  },
});

const interfaces = new Interfaces(
  byId("lists"), connection, () => [...store.printers.values()]);

setInterval(() => {
  if (!document.hidden && cards.size) tick();
}, 1000);

setLink("connecting", text("connecting"));
connection.connect();
