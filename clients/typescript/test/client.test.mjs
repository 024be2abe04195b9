// The TypeScript client against a real gateway: it comes back, resumes, and says when to load anew or to stop.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Listener, Stage, pause, range, until } from "./stage.mjs";

describe("on the local bus", () => {
  let stage;
  before(async () => {
    stage = await Stage.open("local");
  });
  after(() => stage.close());

  test("the own channel and one that was asked for", async () => {
    const one = await Listener.open(stage);
    const channel = await stage.ask("channel", { user: one.user });
    one.client.subscribe(channel);
    one.client.start();
    await one.until("load", one.own);
    await one.until("load", channel);
    await stage.ask("publish", { channel, numbers: [1, 2] });
    await stage.ask("publish", { channel: one.own, numbers: [3] });
    await one.heard(channel, 2);
    await one.heard(one.own, 1);
    one.client.unsubscribe(channel);
    await pause(100);
    await stage.ask("publish", { channel, numbers: [4] });
    await stage.ask("publish", { channel: one.own, numbers: [5] });
    await one.heard(one.own, 2);
    assert.deepEqual(one.numbers(channel), [1, 2]);
    assert.deepEqual(one.numbers(one.own), [3, 5]);
    one.client.stop();
    assert.deepEqual(one.said.flatMap(({ state }) => state ?? []), ["connecting", "open", "ended"]);
  });

  test("a channel left and asked for again at once is heard", async () => {
    const one = await Listener.open(stage);
    const channel = await stage.ask("channel", { user: one.user });
    one.client.subscribe(channel);
    one.client.start();
    await one.until("load", channel);
    one.client.unsubscribe(channel);
    one.client.subscribe(channel);
    await one.until("load", channel, 2);
    await pause(100);
    await stage.ask("publish", { channel, numbers: [1] });
    await one.heard(channel, 1);
    assert.equal(one.count("lost", channel), 0);
  });

  test("a channel one may not hear, and one that is taken away", async () => {
    const one = await Listener.open(stage);
    const mine = await stage.ask("channel", { user: one.user });
    const foreign = await stage.ask("channel", { user: "somebody else" });
    one.client.start();
    await one.until("load", one.own);
    one.client.subscribe(foreign);
    await one.until("lost", foreign);
    one.client.subscribe(mine);
    await one.until("load", mine);
    await stage.ask("command", { command: "end_subscription", user_id: one.user, channel: mine });
    await one.until("lost", mine);
    assert.deepEqual(
      one.said.filter(({ lost }) => lost),
      [
        { lost: foreign, code: "FORBIDDEN" },
        { lost: mine, code: "permission" },
      ],
    );
  });

  test("a channel that cannot be judged now is asked for again", async () => {
    const one = await Listener.open(stage);
    const channel = await stage.ask("channel", { user: one.user });
    one.client.start();
    await one.until("load", one.own);
    await stage.ask("break_platform", { broken: true });
    one.client.subscribe(channel);
    await pause(300);
    assert.equal(one.count("load", channel) + one.count("lost", channel), 0);
    await stage.ask("break_platform", { broken: false });
    await one.until("load", channel);
  });

  test("a revoked session is final", async () => {
    const one = await Listener.open(stage);
    one.client.start();
    await one.until("load", one.own);
    await stage.ask("command", { command: "revoke", user_id: one.user, session_id: one.session });
    await one.until("final", 3503);
    await pause(400);
    assert.equal(one.tickets, 1);
    assert.equal(one.count("state", "ended"), 1);
  });

  test("a ticket that cannot be had is asked for again, and nobody signed in is the end", async () => {
    const answers = [() => Promise.reject(new Error("the platform is away")), () => Promise.reject(new Error("still"))];
    const one = await Listener.open(stage);
    const { ticket } = one.client.options;
    one.client.options.ticket = () => (answers.length > 0 ? answers.pop()() : ticket());
    one.client.start();
    await one.until("load", one.own);

    const nobody = await Listener.open(stage, { ticket: () => Promise.resolve(null) });
    nobody.client.start();
    await nobody.until("state", "ended");
    await pause(300);
    assert.deepEqual(nobody.said, [{ state: "connecting" }, { state: "ended" }]);
  });

  test("a token about to end is renewed in place, and not in a hurry", async () => {
    const one = await Listener.open(stage);
    let life_s = 62;
    one.client.options.ticket = () => {
      one.tickets += 1;
      return stage.ask("ticket", { user: one.user, session: one.session, life_s: (life_s -= 1) });
    };
    one.client.start();
    await one.until("load", one.own);
    await until(() => one.tickets === 2, () => `${one.tickets} tickets`);
    await pause(1000);
    assert.equal(one.tickets, 2); // the second token has half a minute before anything must be done
    assert.equal(one.count("state", "open"), 1);
    assert.equal(one.count("load", one.own), 1);
  });

  test("stopped and started in any order, there is one socket", async () => {
    const one = await Listener.open(stage);
    one.client.start();
    one.client.stop();
    one.client.start();
    await one.until("load", one.own);
    one.client.stop();
    one.client.start();
    await one.until("state", "open", 2);
    await pause(700);
    assert.equal(one.tickets, 3); // of which the first was stopped before its socket
    assert.equal(one.count("load", one.own), 1);
    assert.equal(one.count("state", "open"), 2);
    await stage.ask("publish", { channel: one.own, numbers: [1] });
    await one.heard(one.own, 1);
    await pause(100);
    assert.deepEqual(one.numbers(one.own), [1]);
  });

  test("a callback that throws costs no other event", async () => {
    const one = await Listener.open(stage);
    const { onEvent } = one.client.options;
    one.client.options.onEvent = (event) => {
      onEvent(event);
      if (event.data.number % 2) throw new Error(`odd ${event.data.number}`);
    };
    one.client.start();
    await one.until("load", one.own);
    await stage.ask("publish", { channel: one.own, numbers: range(1, 20) });
    await one.heard(one.own, 20);
    assert.deepEqual(one.numbers(one.own), range(1, 20));
    assert.equal(one.said.filter(({ fault }) => fault).length, 10);
  });

  test("a history that is lost is loaded anew, and what is said again is not heard again", async () => {
    const one = await Listener.open(stage);
    one.client.start();
    await one.until("load", one.own);
    const ids = await stage.ask("publish", { channel: one.own, numbers: [1, 2] });
    await one.heard(one.own, 2);
    await stage.ask("kill"); // on this bus its memory is the history
    await stage.ask("start");
    await one.until("load", one.own, 2);
    await stage.ask("publish", { channel: one.own, numbers: [2], ids: [ids[1]] });
    await stage.ask("publish", { channel: one.own, numbers: [3] });
    await one.heard(one.own, 3);
    assert.deepEqual(one.numbers(one.own), [1, 2, 3]);
    assert.deepEqual(one.of(one.own).map(({ offset }) => offset), [1, 2, 2]); // of the second epoch the last
  });
});

describe("on Redis", () => {
  let stage;
  before(async () => {
    stage = await Stage.open("redis");
  });
  after(() => stage.close());

  test("killed under way, three times: no gap, no double, nothing loaded anew", async () => {
    const one = await Listener.open(stage);
    const channel = await stage.ask("channel", { user: one.user });
    const both = [channel, one.own];
    one.client.subscribe(channel);
    one.client.start();
    for (const name of both) await one.until("load", name);
    for (const first of [1, 41, 81]) {
      for (const name of both) await stage.ask("publish", { channel: name, numbers: range(first, first + 19) });
      const waits = one.count("state", "waiting");
      await stage.ask("kill"); // whatever of those is still on its way dies with it
      await one.until("state", "waiting", waits + 3); // where nobody listens it goes on trying
      for (const name of both) await stage.ask("publish", { channel: name, numbers: range(first + 20, first + 39) });
      await stage.ask("start");
      for (const name of both) await one.heard(name, first + 39);
    }
    await pause(300);
    for (const name of both) {
      assert.deepEqual(one.numbers(name), range(1, 120));
      assert.deepEqual(one.of(name).map(({ offset }) => offset), range(1, 120));
      assert.equal(one.count("load", name), 1);
    }
    assert.equal(one.count("state", "open"), 4);
  });

  test("a gateway that shuts down says when to come back", async () => {
    const one = await Listener.open(stage);
    one.client.start();
    await one.until("load", one.own);
    assert.equal(await stage.ask("stop"), 0);
    await one.until("state", "waiting");
    await stage.ask("publish", { channel: one.own, numbers: [1, 2] });
    await stage.ask("start");
    await one.heard(one.own, 2);
    assert.deepEqual(one.numbers(one.own), [1, 2]);
  });

  test("a connection that died without a word is noticed", async () => {
    const one = await Listener.open(stage, { heartbeatMs: 150 });
    one.client.start();
    await one.until("load", one.own);
    await pause(600); // silence alone is no death: pings are answered
    assert.equal(one.count("state", "waiting"), 0);
    await stage.ask("freeze");
    await one.until("state", "waiting");
    await stage.ask("publish", { channel: one.own, numbers: [1, 2] });
    await stage.ask("thaw");
    await one.heard(one.own, 2);
    await pause(300);
    assert.deepEqual(one.numbers(one.own), [1, 2]);
    assert.equal(one.count("load", one.own), 1);
  });
});
