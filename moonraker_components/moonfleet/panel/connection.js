// One websocket to Moonraker: JSON-RPC, login, reconnecting by itself.
//
// Copyright (C) 2026 The Moonfleet authors
// This file may be distributed under the terms of the GNU GPLv3 license.

const SILENCE = 15_000; // Moonraker says something every second (notify_proc_stat_update)
const ANSWER = 45_000; // an action waits for the printer's own state
const RETRY = [1, 2, 3, 5, 8, 10];
const TOKEN_KEY = "moonfleet.refresh_token";

export class RpcError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
  get unauthorized() {
    return this.code === 401 || (this.code === -32602 && /unauthorized/i.test(this.message));
  }
  get unknownMethod() {
    return this.code === -32601;
  }
}

/** Everything before /server/moonfleet/ui: the route prefix, behind whatever proxy. */
export function basePath(pathname) {
  const at = pathname.lastIndexOf("/server/moonfleet/ui");
  return at < 0 ? "" : pathname.slice(0, at);
}

function remember(token) {
  try {
    if (token) localStorage.setItem(TOKEN_KEY, token);
    else localStorage.removeItem(TOKEN_KEY);
  } catch {
    // storage is forbidden here (a private window, a foreign frame): log in again next time
  }
}

function remembered() {
  try {
    return localStorage.getItem(TOKEN_KEY);
  } catch {
    return null;
  }
}

/**
 * Calls `handlers`: onReady() after each (re)connection, onNotify(method, params), onLost(seconds),
 * onLogin(info, login) when Moonraker wants to know who asks; `login` is an async function.
 */
export class Connection {
  constructor(handlers) {
    this.handlers = handlers;
    this.waiting = new Map();
    this.nextId = 1;
    this.attempt = 0;
    this.socket = null;
    this.timer = null;
    this.heard = 0;
    setInterval(() => this.checkSilence(), 2000);
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.retryNow();
    });
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${basePath(location.pathname)}/websocket`);
    this.socket = socket;
    this.heard = performance.now();
    socket.onopen = () => this.identify(null);
    socket.onmessage = (message) => {
      this.heard = performance.now();
      this.receive(message.data);
    };
    socket.onclose = () => this.closed(socket);
  }

  retryNow() {
    if (this.timer !== null) this.connect();
  }

  checkSilence() {
    if (this.socket && performance.now() - this.heard > SILENCE) {
      const silent = this.socket;
      silent.close();
      this.closed(silent); // a dead peer may never complete the closing handshake
    }
  }

  closed(socket) {
    if (socket !== this.socket) return;
    this.socket = null;
    for (const { reject } of this.waiting.values()) reject(new RpcError(0, "connection lost"));
    this.waiting.clear();
    const seconds = RETRY[Math.min(this.attempt++, RETRY.length - 1)];
    this.timer = setTimeout(() => this.connect(), seconds * 1000);
    this.handlers.onLost(seconds);
  }

  receive(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return; // not JSON: nothing this page could use
    }
    if (message.method) {
      this.handlers.onNotify(message.method, message.params ?? []);
      return;
    }
    const waiter = this.waiting.get(message.id);
    if (!waiter) return;
    this.waiting.delete(message.id);
    clearTimeout(waiter.timer);
    if (message.error) {
      waiter.reject(new RpcError(message.error.code, String(message.error.message)));
    } else waiter.resolve(message.result);
  }

  call(method, params = {}) {
    return new Promise((resolve, reject) => {
      if (this.socket?.readyState !== WebSocket.OPEN) {
        reject(new RpcError(0, "not connected"));
        return;
      }
      const id = this.nextId++;
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new RpcError(0, "no answer"));
      }, ANSWER);
      this.waiting.set(id, { resolve, reject, timer });
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", method, params, id }));
    });
  }

  async identify(token) {
    const params = {
      client_name: "Moonfleet", version: "1", type: "web", url: location.origin + location.pathname,
    };
    if (token) params.access_token = token;
    try {
      await this.call("server.connection.identify", params);
    } catch (error) {
      if (error.unauthorized) await this.authorize();
      else if (error.code !== 0) this.handlers.onError(error);
      return;
    }
    this.attempt = 0;
    this.handlers.onReady();
  }

  /** The way of the other interfaces: a remembered refresh token first, then user and password. */
  async authorize() {
    const refresh = remembered();
    if (refresh) {
      try {
        const { token } = await this.call("access.refresh_jwt", { refresh_token: refresh });
        await this.identify(token);
        return;
      } catch (error) {
        if (error.code === 0) return; // the wire broke: the next connection tries again
        remember(null);
      }
    }
    let info = {};
    try {
      info = await this.call("access.info");
    } catch {
      // an older Moonraker without the method: its own accounts are the only source
    }
    this.handlers.onLogin(info, async (username, password, source) => {
      const reply = await this.call("access.login", { username, password, source });
      remember(reply.refresh_token);
      await this.identify(reply.token);
    });
  }
}
