// What the page knows: the printers as Moonraker last described them, and Moonraker's clock.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** Merge a status update: top-level keys replace, `snapshot` and `heaters` merge one level down. */
export function mergePrinter(info, update) {
  const merged = { ...info, ...update };
  if (isObject(update.snapshot) && isObject(info.snapshot)) {
    merged.snapshot = { ...info.snapshot, ...update.snapshot };
  }
  if (isObject(update.heaters) && isObject(info.heaters)) {
    merged.heaters = { ...info.heaters };
    for (const [name, eta] of Object.entries(update.heaters)) {
      if (eta === null) delete merged.heaters[name];
      else merged.heaters[name] = { ...info.heaters[name], ...eta };
    }
  }
  return merged;
}

export class Store {
  constructor() {
    this.printers = new Map();
    this.seen = new Map(); // when a value that counts down was said: "printer/what" -> Unix time
    this.offset = 0;
    this.shown = this.now();
  }

  /** The moment that every countdown on the page counts from: none may disagree with another. */
  tick() {
    this.shown = this.now();
  }

  /** Moonraker's Unix time: this device's clock may be wrong. */
  now() {
    return Date.now() / 1000 + this.offset;
  }

  setServerTime(unix) {
    if (Number.isFinite(unix)) this.offset = unix - Date.now() / 1000;
  }

  replaceAll(list) {
    this.printers = new Map(list.map((info) => [info.name, info]));
    this.seen.clear();
    for (const info of list) this.stamp(info.name, info);
  }

  /** Apply a status update; false when it names a printer that this page does not know. */
  apply(updates) {
    let known = true;
    for (const [name, update] of Object.entries(updates)) {
      const info = this.printers.get(name);
      if (!info || !isObject(update)) {
        known = false;
        continue;
      }
      this.printers.set(name, mergePrinter(info, update));
      this.stamp(name, update);
    }
    return known;
  }

  stamp(name, update) {
    const now = this.now();
    if (update.snapshot?.job) this.seen.set(`${name}/job`, now);
    for (const [heater, eta] of Object.entries(update.heaters ?? {})) {
      if (!eta) continue;
      if ("cooldown_eta" in eta) this.seen.set(`${name}/${heater}/cool`, now);
      if ("eta" in eta) this.seen.set(`${name}/${heater}/ready`, now);
    }
  }

  /** The Unix time at which a number of seconds, said when `what` was last said, will be over. */
  due(name, what, seconds) {
    return (this.seen.get(`${name}/${what}`) ?? this.now()) + seconds;
  }
}
