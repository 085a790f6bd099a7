// Every word a person reads on the page, in one table.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

const TABLE = {
  skip: "Skip to the printers",
  printers: "Printers",
  next: "Next",
  recentJobs: "Recent jobs",
  recentEvents: "Events",
  noJobs: "No job has ended yet.",
  noEvents: "Nothing has happened yet.",
  noPrinters: "No printer yet. Add a [moonfleet <name>] section to moonraker.conf and restart Moonraker.",

  // the wire to Moonraker
  connecting: "Connecting",
  live: "Live",
  lost: "Connection lost, trying again in {seconds} s",
  lostNotice: "Moonraker does not answer. The values below are the last ones it sent.",
  noComponent: "Moonraker runs without the moonfleet component. Its log says why it was not loaded.",
  denied: "Moonraker does not know this device. Log in, or add its address to trusted_clients.",
  failed: "Moonraker answered with an error: {message}",

  // login
  loginTitle: "Log in to Moonraker",
  user: "User name",
  password: "Password",
  source: "Account",
  logIn: "Log in",
  loginFailed: "Login refused: {message}",

  // summary
  onlineOf: "{online} of {count} online",
  printingCount: "{count} printing",
  heatingCount: "{count} heating",
  faultCount: "{count} with faults",

  // printer
  state: {
    standby: "Idle",
    printing: "Printing",
    paused: "Paused",
    complete: "Complete",
    cancelled: "Cancelled",
    error: "Error",
    none: "Unknown",
  },
  heating: "Heating",
  connection: {
    disabled: "Switched off",
    connecting: "Connecting",
    stale: "Silent",
    auth_failed: "Access refused",
    tls_error: "Certificate",
    refused: "Refused",
    unreachable: "Unreachable",
    no_reports: "No reports",
    fault: "Wrong answer",
    config_error: "Configuration",
    offline: "Offline",
  },
  types: { klipper: "Klipper", bambu: "Bambu Lab", prusalink: "PrusaLink" },
  severity: { fatal: "Fatal", serious: "Serious", common: "Warning", info: "Notice" },
  faults: "Faults",
  help: "Help",
  printingFor: "{time} elapsed",
  left: "{time} left",
  ends: "ends {clock}",
  layer: "Layer {layer} of {layers}",
  layerOnly: "Layer {layer}",
  progressOf: "Progress of {job}",
  unnamedJob: "Unnamed job",
  lastSeen: "Last report {clock}",
  dashboard: "Dashboard address",
  readOnly: "This printer takes no commands: developer mode is off.",

  // heaters
  heaters: "Heaters",
  heater: { extruder: "Extruder", heater_bed: "Bed", chamber: "Chamber" },
  extruderN: "Extruder {number}",
  noTemperature: "no reading",
  off: "off",
  readyIn: "ready in {time}",
  readyAt: "ready at {clock}",
  spread: "{clock} ± {spread}",
  soon: "any moment",
  ready: "ready",
  reachedSettling: "settling",
  coolIn: "cool in {time}",
  coolAt: "{clock}",
  cooling: "cooling",
  cooled: "cool",
  estimating: "no estimate yet",
  calibrating: "calibrating",
  stalled: "not heating up",
  unreachable: "will not get there",
  learned: "Learned from {count} heat-ups",

  // next
  nextReady: "{heater} ready",
  nextCool: "{heater} cool",
  nextDone: "Job ends",

  // actions
  action: { pause: "Pause", resume: "Resume", cancel: "Cancel" },
  actionOn: "{action} {printer}",
  sure: "Cancel this job?",
  sureYes: "Yes, cancel it",
  sureNo: "Keep printing",
  asking: { pause: "Pausing…", resume: "Resuming…", cancel: "Cancelling…" },
  accepted: {
    pause: "Paused: the printer confirms it.",
    resume: "Resumed: the printer confirms it.",
    cancel: "Cancelled: the printer confirms it.",
  },
  rejected: "Not done: {reason}",
  rejectedPlain: "The printer refused.",
  unconfirmed: "Sent, but the printer has not shown it yet.",
  unconfirmedWhy: "Not confirmed: {reason}",
  actionFailed: "Not sent: {message}",

  // the lists of other interfaces
  lists: {
    title: "Mainsail and Fluidd",
    hint: "Puts the printers of this page into the interface's own list, as this browser reaches them. Entries of yours stay as they are.",
    add: "Add all to {title}",
    remove: "Remove",
    added: "{title} lists {count} printers. Reload it where it is open.",
    removed: "{title} no longer lists them. Reload it where it is open.",
    kept: "Removed, but for {count} that is still open in {title}.",
    openFluidd: "Open Fluidd once at this address first; it keeps its list in the browser.",
    failed: "Not done: {message}",
  },

  // history and events
  status: {
    in_progress: "Running",
    completed: "Completed",
    cancelled: "Cancelled",
    error: "Failed",
    interrupted: "Interrupted",
  },
  event: {
    printer_online: "is online",
    printer_offline: "is offline",
    fault: "reports {code}",
    fault_cleared: "cleared {code}",
    job_started: "started {job}",
    job_paused: "paused {job}",
    job_resumed: "resumed {job}",
    job_finished: "ended {job}: {status}",
    heater_ready: "{heater} is ready",
    bed_cool: "bed is cool, the part releases",
    action_confirmed: "{action} confirmed by the printer",
    action_rejected: "{action} not done: {reason}",
  },
  aJob: "a job",
  noReason: "no reason given",

  // units
  percent: "{value} %",
  degrees: "{value} °C",
  seconds: "{s} s",
  minutes: "{m} min",
  hours: "{h} h {m} min",
  days: "{d} d {h} h",
  version: "Moonfleet {version}",
};

/** The text for `key` ("a.b" goes one level down) with its {places} filled; null when unknown. */
export function textOrNull(key, values = {}) {
  const found = key.split(".").reduce(
    (table, part) => (table && Object.hasOwn(table, part) ? table[part] : undefined), TABLE);
  if (typeof found !== "string") return null;
  return found.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place));
}

/** The text for `key`; a word the page does not know stands for itself. */
export function text(key, values) {
  return textOrNull(key, values) ?? key.split(".").pop().replaceAll("_", " ");
}
