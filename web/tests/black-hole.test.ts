/**
 * Packets of a run's direct channel vanish without a word, while a program computes and while it waits.
 *
 * nftables drops what arrives, so this needs a network of its own: `tests/netlab/test_black_hole.py` runs it in one. Nobody
 * who sends is told, as on a path that was cut; only ICE's consent (RFC 7675) can notice.
 */
import { execFileSync } from "node:child_process";
import type { Server } from "node:http";
import type { BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Tab, agreeable, coreAndRendezvous, people } from "./browser";
import { ASKS, BUSY, COUNTED, GRACE, GoesOn, UNTIL, closed, directly, firefoxOutput, hostsInFirefox, made, meet, patient, ports, program, through } from "./direct";
import { FirefoxPerson } from "./firefox";

/** What arrives on these UDP ports is dropped; all of UDP where none are named. */
function drop(...ports: number[]): void {
  const which = ports.length > 0 ? `udp dport { ${ports.join(", ")} }` : "meta l4proto udp";
  nft(`table inet hole { chain input { type filter hook input priority 0; ${which} counter drop; }; }`);
}

/** Nothing is dropped any more; how many packets were. */
function heal(): number {
  const table = execFileSync("nft", ["list", "tables"]).toString();
  if (!table.includes("hole")) return 0;
  const [, dropped] = /counter packets (\d+)/.exec(execFileSync("nft", ["list", "table", "inet", "hole"]).toString())!;
  nft("delete table inet hole");
  return Number(dropped);
}

const nft = (rules: string): unknown => execFileSync("nft", ["-f", "-"], { input: rules });

describe.skipIf(!process.env["HUDDLE_NETWORK_OF_ITS_OWN"])("packets vanish", () => {
  let core: { url: string; server: Server };
  let meeting: { url: string; end: () => void };
  let chromium: { contexts: BrowserContext[]; close: () => Promise<void> };

  beforeAll(async () => {
    [[core, meeting], chromium] = await Promise.all([coreAndRendezvous(), people(2)]);
    for (const context of chromium.contexts) await context.addInitScript(COUNTED);
  });

  afterEach(() => {
    heal();
  });

  afterAll(async () => {
    await chromium.close();
    core.server.close();
    meeting.end();
  });

  async function pair(proposed: unknown, react = patient): Promise<[Tab, Tab]> {
    const tabs = (await Promise.all(chromium.contexts.map((context) => Tab.open(context, core.url, meeting.url, react)))) as [Tab, Tab];
    await meet(tabs, proposed);
    return tabs;
  }

  /** Lose the packets to these people's direct channels until their frames have made another; `watched` is one of the two. */
  async function lose(watched: Tab, ...blind: Tab[]): Promise<void> {
    const before = await made(watched.page);
    const where = (await Promise.all(blind.map((tab) => ports(tab.page)))).flat();
    expect(where.length).toBeGreaterThanOrEqual(blind.length);
    drop(...where);
    await expect.poll(() => made(watched.page)).toBeGreaterThan(before);
    expect(heal()).toBeGreaterThan(0);
  }

  test("of rounds, to both and to either: the next channel goes on, and no byte is lost or comes twice", async () => {
    const person = new GoesOn();
    const tabs = await pair(program(UNTIL, "0"), person.react);
    const [ann, ben] = tabs;
    try {
      await ann.events.until("output", (event) => event.text.includes("started"));
      await expect.poll(() => directly(ann.page)).toBeGreaterThan(20_000);
      for (const blind of [tabs, [ann], [ben]]) {
        await lose(ben, ...blind);
        const before = await directly(ann.page);
        await expect.poll(() => directly(ann.page)).toBeGreaterThan(before + 10_000);
      }
      person.enough();
      await through(tabs);
      // The session's own links lost nothing.
      for (const tab of tabs) expect(tab.events.all.filter((event) => event.event === "reconnect")).toEqual([]);
    } finally {
      await closed(tabs);
    }
  });

  test("while a program computes: noticed below Python, and a new channel is there before it is through", async () => {
    const person = new GoesOn();
    const tabs = await pair(program(BUSY, "1", "60"), person.react);
    const [ann, ben] = tabs;
    try {
      await expect.poll(() => directly(ann.page)).toBeGreaterThan(5_000);
      person.enough();
      await ben.events.until("output", (event) => event.text.includes("busy"));
      await lose(ann, ann, ben);
      expect(ben.events.output).not.toContain("no longer");
      await through(tabs);
    } finally {
      await closed(tabs);
    }
  });

  test("while a program waits for its person", async () => {
    const person = new GoesOn();
    const tabs = await pair(program(ASKS, "1", "0"), person.react);
    const [ann, ben] = tabs;
    try {
      await expect.poll(() => directly(ann.page)).toBeGreaterThan(5_000);
      person.enough();
      await ben.events.until("input", (event) => event.waiting);
      await lose(ben, ann, ben);
      await ben.send({ do: "type_line", line: "yes" });
      await through(tabs);
    } finally {
      await closed(tabs);
    }
  });

  test("of everything that goes by UDP, the session's links too, until both have noticed", async () => {
    const person = new GoesOn();
    const tabs = await pair(program(UNTIL, "0"), person.react);
    const [ann] = tabs;
    try {
      await ann.events.until("output", (event) => event.text.includes("started"));
      await expect.poll(() => directly(ann.page)).toBeGreaterThan(20_000);
      drop();
      await Promise.all(tabs.map((tab) => tab.events.until("reconnect", (event) => event.state === "lost")));
      // The frames' channel is given up, too, before anything gets through again.
      for (const tab of tabs) await expect.poll(() => ports(tab.page)).toEqual([]);
      expect(heal()).toBeGreaterThan(0);
      person.enough();
      await through(tabs);
    } finally {
      await closed(tabs);
    }
  });

  test("between Firefox and Chromium: of rounds, to both and to either", async () => {
    const fay = await FirefoxPerson.at("about:blank");
    await fay.page.evaluateOnNewDocument(COUNTED);
    await fay.page.goto(core.url);
    const invitation = await hostsInFirefox(fay, meeting.url, program(UNTIL, "0"));
    const ben = await Tab.open(chromium.contexts[1]!, core.url, meeting.url, agreeable);
    try {
      await ben.send({ do: "join", name: "Ben", invitation, networks: ["webrtc"], grace: GRACE });
      await expect.poll(() => directly(ben.page)).toBeGreaterThan(20_000);
      for (const blind of [[fay, ben], [fay], [ben]]) {
        const before = await made(ben.page);
        drop(...(await Promise.all(blind.map((one) => ports(one.page)))).flat());
        await expect.poll(() => made(ben.page)).toBeGreaterThan(before);
        expect(heal()).toBeGreaterThan(0);
        const sent = await directly(ben.page);
        await expect.poll(() => directly(ben.page)).toBeGreaterThan(sent + 10_000);
      }
      await fay.page.evaluate("globalThis.enough = true");
      expect(await ben.events.until("ended")).toMatchObject({ clean: true });
      expect(ben.events.output).toMatch(/through \d+ 3/);
      expect(await firefoxOutput(fay)).toMatch(/through \d+ 3/);
    } finally {
      await Promise.all([fay.close(), ben.page.close()]);
    }
  });
});
