// Signs a demo person in, opens the realtime socket with the TypeScript client, and shows what comes, as it comes.
import { RealtimeClient } from "./realtime/client.js";

const SHOWN = 8;
const RENEW_BEFORE_MS = 90_000; // a token asked for a new socket, or a minute before the old one ends, has to last
const STATES = { connecting: "connecting", open: "listening", waiting: "coming back", ended: "ended" };

const live = document.getElementById("live-panel");
const begin = document.getElementById("live-begin");
const invite = document.getElementById("live-invite");
const state = document.getElementById("live-state");
const list = document.getElementById("live-events");

let tokens = null;
let renewAt = 0;
let renewing = null;
let organization = "";

async function ask(method, path, body, access) {
  const headers = { "Content-Type": "application/json" };
  if (access) headers.Authorization = `Bearer ${access}`;
  const answer = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  const { data, message } = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(message), { status: answer.status });
  return data;
}

async function call(method, path, body) {
  if (Date.now() >= renewAt) await renew();
  return ask(method, path, body, tokens.access);
}

// A refresh token works once: whoever needs a new pair meanwhile waits for the same.
function renew() {
  renewing ??= ask("POST", "/auth/refresh", { refresh: tokens.refresh })
    .then(keep)
    .finally(() => {
      renewing = null;
    });
  return renewing;
}

// The token's life by the server's clock, counted on this one.
function keep(pair) {
  tokens = pair;
  const claims = JSON.parse(atob(pair.access.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  renewAt = Date.now() + (claims.exp - claims.iat) * 1000 - RENEW_BEFORE_MS;
}

async function ticket() {
  try {
    return (await call("POST", "/realtime/ticket")).ticket;
  } catch (error) {
    if (error.status === 401) return null; // signed out elsewhere
    throw error;
  }
}

function say(words) {
  state.textContent = words;
}

function words(event) {
  if (event.type === "org.invite") return `invite ${event.data.invite_id.slice(-8)} is ${event.data.state}`;
  return event.data.text ?? event.type;
}

function show(event) {
  const row = document.createElement("li");
  row.dataset.type = event.type;
  const time = document.createElement("time");
  time.dateTime = event.at;
  time.textContent = new Date(event.at).toLocaleTimeString([], { hour12: false });
  const type = document.createElement("code");
  type.textContent = event.type;
  const said = document.createElement("span");
  said.textContent = words(event);
  const trace = document.createElement("a");
  trace.href = `${live.dataset.trace}?id=${encodeURIComponent(event.request_id)}`;
  trace.textContent = "trace";
  row.append(time, type, said, trace);
  list.prepend(row);
  while (list.children.length > SHOWN) list.lastElementChild.remove();
}

async function watch() {
  begin.disabled = true;
  say("signing in");
  keep(await ask("POST", "/auth/login", { email: live.dataset.email, password: live.dataset.password }));
  [{ id: organization }] = await call("GET", "/organizations");
  const client = new RealtimeClient({
    url: live.dataset.socket,
    ticket,
    onEvent: show,
    onState: (name) => {
      say(STATES[name]);
      live.dataset.state = name;
      if (name === "ended") begin.disabled = false;
    },
    onFinal: (code, reason) => say(`ended: ${code} ${reason}`),
  });
  client.subscribe(`org:${organization}`);
  client.start();
  invite.disabled = false;
}

async function inviteSomebody() {
  invite.disabled = true;
  try {
    const roles = await call("GET", `/organizations/${organization}/roles`);
    const viewer = roles.find((role) => role.name === "VIEWER");
    const email = `guest-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}@example.org`;
    await call("POST", `/organizations/${organization}/invites`, { email, role_id: viewer.id });
  } finally {
    invite.disabled = false;
  }
}

function orSay(act) {
  return () => act().catch((error) => say(error.message));
}

begin.addEventListener("click", orSay(watch));
invite.addEventListener("click", orSay(inviteSomebody));
