// The login form, shown only where Moonraker asks for it.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

import { el, setText, show } from "./dom.js";
import { text } from "./strings.js";

/** Show the form in `section`; `login(user, password, source)` rejects with Moonraker's reason. */
export function askLogin(section, info, login) {
  const problem = el("p", { class: "outcome", "data-tone": "bad", role: "alert" });
  const user = el("input", { id: "login-user", autocomplete: "username", required: true });
  const password = el("input", {
    id: "login-password", type: "password", autocomplete: "current-password", required: true,
  });
  const sources = Array.isArray(info.available_sources) ? info.available_sources : [];
  const source = el("select", { id: "login-source" },
    ...sources.map((name) => el("option", { value: name }, name)));
  if (info.default_source) source.value = info.default_source;
  const button = el("button", { class: "act primary" }, text("logIn"));
  const form = el("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      button.disabled = true;
      setText(problem, "");
      try {
        await login(user.value, password.value, source.value || "moonraker");
        show(section, false);
        section.replaceChildren();
      } catch (error) {
        setText(problem, text("loginFailed", { message: error.message }));
        password.value = "";
        password.focus();
      }
      button.disabled = false;
    },
  },
  el("h2", {}, text("loginTitle")),
  info.login_required ? null : el("p", { class: "hint" }, text("denied")),
  el("label", { for: user.id }, text("user")), user,
  el("label", { for: password.id }, text("password")), password,
  sources.length > 1 ? el("label", { for: source.id }, text("source")) : null,
  sources.length > 1 ? source : null,
  problem, button);
  section.replaceChildren(form);
  show(section, true);
  user.focus();
}
