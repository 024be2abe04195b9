// A real gateway in a process of its own, and what one client on it was told. See tests/clients/stage.py.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

import { RealtimeClient } from "../dist/client.js";

globalThis.WebSocket ??= WebSocket; // before Node 22 there is none

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PATIENCE_MS = 15_000;

export class Stage {
  listeners = [];
  #process;
  #answers;
  #queue = Promise.resolve();

  /** `bus` is "local" or "redis". */
  static async open(bus) {
    const stage = new Stage();
    const python = process.env.PYTHON ?? ".venv/bin/python";
    stage.#process = spawn(python, ["-m", "tests.clients.stage", bus], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
    stage.#answers = createInterface({ input: stage.#process.stdout })[Symbol.asyncIterator]();
    await stage.#answer();
    return stage;
  }

  /** Such as `ask("publish", {channel, numbers: [1, 2]})`: one after the other. */
  ask(act, words = {}) {
    const asked = this.#queue.then(() => {
      this.#process.stdin.write(`${JSON.stringify({ do: act, ...words })}\n`);
      return this.#answer();
    });
    this.#queue = asked.catch(() => undefined);
    return asked;
  }

  async close() {
    for (const { client } of this.listeners) client.stop();
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.stdin.end();
    await ended;
  }

  async #answer() {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error("the stage broke down: its words are above");
    return JSON.parse(value);
  }
}

/** A person's client, and everything it says, in order. It ends with the stage. */
export class Listener {
  said = [];
  tickets = 0;

  static async open(stage, options = {}) {
    const listener = new Listener();
    const { user, session, url } = await stage.ask("person");
    stage.listeners.push(listener);
    Object.assign(listener, { stage, user, session, own: `user:${user}` });
    listener.client = new RealtimeClient({
      url,
      ticket: () => {
        listener.tickets += 1;
        return stage.ask("ticket", { user, session });
      },
      onEvent: (event) => listener.said.push({ event }),
      onLoad: (channel) => listener.said.push({ load: channel }),
      onLost: (channel, code) => listener.said.push({ lost: channel, code }),
      onFinal: (code) => listener.said.push({ final: code }),
      onState: (state) => listener.said.push({ state }),
      onFault: (error) => listener.said.push({ fault: error }),
      ...options,
    });
    return listener;
  }

  of(channel) {
    return this.said.flatMap(({ event }) => (event?.channel === channel ? [event] : []));
  }

  numbers(channel) {
    return this.of(channel).map((event) => event.data.number);
  }

  count(name, value) {
    return this.said.filter((one) => one[name] === value).length;
  }

  /** Until that many such words were said, in all. */
  async until(name, value, times = 1) {
    await until(() => this.count(name, value) >= times, () => JSON.stringify(this.said));
  }

  async heard(channel, count) {
    await until(() => this.of(channel).length >= count, () => JSON.stringify(this.said));
  }
}

export async function until(condition, otherwise) {
  const end = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`did not happen in time: ${otherwise()}`);
    await pause(10);
  }
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The numbers from first to last. */
export function range(first, last) {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
