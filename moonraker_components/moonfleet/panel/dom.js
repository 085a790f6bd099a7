// The only way to make elements here: text becomes text nodes, never markup.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

/** An element with attributes, listeners (onclick: ...) and children; null children are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Write only what differs: an untouched node costs no layout. */
export function setText(node, value) {
  const wanted = value ?? "";
  if (node.textContent !== wanted) node.textContent = wanted;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** A bar's width, 0..1. It glides forward, and jumps back: a new job does not run backwards. */
export function setFill(node, fraction) {
  const whole = Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0));
  const width = `${(whole * 100).toFixed(1)}%`;
  if (node.style.width === width) return;
  node.classList.toggle("jump", whole * 100 < parseFloat(node.style.width || "0"));
  node.style.width = width;
}

/** Put exactly these children, in this order, into `parent`, moving as few as possible. */
export function arrange(parent, children) {
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
  while (parent.children.length > children.length) parent.lastElementChild.remove();
}

/** A link target, or null unless it is plain http(s). */
export function safeUrl(value) {
  try {
    const url = new URL(value);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
