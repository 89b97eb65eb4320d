/** The network webrtc in browsers: real Chromium, tabs with each other and with a native party. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, Tab, people, type Events, coreAndRendezvous } from "./browser";
import { GoesOn, ROUNDS, UNTIL, patient, program } from "./direct";

let core: { url: string; server: Server };
let meeting: { url: string; end: () => void };
let chromium: { contexts: BrowserContext[]; close: () => Promise<void> };
let home: string;

beforeAll(async () => {
  [[core, meeting], chromium] = await Promise.all([coreAndRendezvous(), people(3)]);
  home = await mkdtemp(join(tmpdir(), "huddle-home-"));
  // Tests lose connections as a network that goes away does.
  for (const context of chromium.contexts)
    await context.addInitScript(`globalThis.connections = [];
      globalThis.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...args) { super(...args); connections.push(this); }
      };`);
});

afterAll(async () => {
  await chromium.close();
  core.server.close();
  meeting.end();
  await rm(home, { recursive: true, maxRetries: 10 });
});

/** Everybody gets what everybody sent: longer than one message, and in order. */
const LONG = `
import hashlib
from mpyc.runtime import mpc

async def main():
    await mpc.start()
    data = bytes([mpc.pid + 1]) * 3_000_000
    got = await mpc.transfer(data)
    assert [len(one) for one in got] == [3_000_000] * len(mpc.parties)
    assert all(set(one) == {pid + 1} for pid, one in enumerate(got))
    print("total", await mpc.output(mpc.sum(mpc.input(mpc.SecInt()(mpc.pid + 1)))), flush=True)
    await mpc.shutdown()

mpc.run(main())
`;

/** The same, after one program has computed for longer than a link may be silent. */
const BUSY = LONG.replace(
  "    data =",
  `    if mpc.pid == 1:
        import time
        end = time.monotonic() + 8
        while time.monotonic() < end:
            pass
    data =`,
);

/** Three tabs, in a browser each, in a session that runs this program; the first one is the host, the last one is pumped. */
async function company(source: string, local: object, react: typeof patient): Promise<Tab[]> {
  const tabs = await Promise.all(
    chromium.contexts.map((context, index) => Tab.open(context, core.url, meeting.url, react, { pumped: index === 2 })),
  );
  const [host, ...guests] = tabs;
  await host!.send({ do: "host", name: "Ann", parties: 3, program: program(source), ...local });
  const { url } = await host!.events.until("invitation");
  const names = ["Ben", "Cem"];
  await Promise.all(guests.map((tab, index) => tab.send({ do: "join", name: names[index], invitation: url, ...local })));
  return tabs;
}

/** Wait until that run has ended well for all, and the host is asked for another one. */
async function over(tabs: Tab[], run: number): Promise<void> {
  await Promise.all(
    tabs.map(async (tab) => {
      const end = await tab.events.until("run", (event) => event.run === run && ["finished", "failed"].includes(event.state));
      expect(end).toMatchObject({ state: "finished" });
    }),
  );
  const asked = (): number => tabs[0]!.events.all.filter((event) => event.event === "question" && event.what === "again").length;
  await expect.poll(asked).toBe(run);
}

/** Wait until the session has ended well. */
async function finished(events: Events): Promise<void> {
  const end = await events.until("ended");
  const wrong = events.all.filter((event) => ["error", "notice", "run"].includes(event.event));
  expect(end, JSON.stringify(wrong)).toMatchObject({ clean: true });
}

/** The networks of all links that a party had. */
function networks(events: Events): Set<string> {
  return new Set(events.all.flatMap((event) => (event.event === "link" ? [event.network] : [])));
}

test(
  "three tabs by WebRTC alone, one of them pumped by its page: much data while one computes, then lost connections, then a closed tab",
  async () => {
    const person = new GoesOn();
    const tabs = await company(BUSY, { networks: ["webrtc"], stay: true }, person.react);
    const [host, ben, cem] = tabs as [Tab, Tab, Tab];
    try {
      await over(tabs, 1);
      for (const tab of tabs) expect(tab.events.output).toContain("total 6");
      for (const tab of tabs) expect(networks(tab.events)).toEqual(new Set(["webrtc"]));
      // A program that computes does not keep its links from answering.
      for (const tab of tabs) expect(tab.events.all.filter((event) => event.event === "reconnect")).toEqual([]);
      const { path } = await host.events.until("link", (link) => link.run === 1);
      expect(path).toMatch(/^direct, .* port \d+$/);

      await host.send({ do: "again", program: program(UNTIL, "0") });
      await host.events.until("output", (event) => event.text.includes("step 50\n"));
      await ben.page.evaluate("connections.map((connection) => connection.close())");
      await cem.page.evaluate("dispatchEvent(new Event('online'))");
      await host.events.until("reconnect", (event) => event.state === "lost");
      await host.events.until("reconnect", (event) => event.state === "restored");
      person.enough();
      await over(tabs, 2);
      for (const tab of tabs) expect(tab.events.output).toMatch(/through \d+ 6/);

      await host.send({ do: "again", program: program(ROUNDS, "1e9") });
      await host.events.until("run", (event) => event.run === 3 && event.state === "started");
      await host.events.until("output", (event) => event.run === 3 && event.text.includes("step"));
      const others = [host, ben];
      const began = performance.now();
      await cem.page.close();
      await Promise.all(others.map((tab) => tab.events.until("party", ({ name, state }) => name === "Cem" && state === "silent")));
      console.log(`named after ${((performance.now() - began) / 1000).toFixed(1)} s`);
      for (const tab of others) {
        const failed = await tab.events.until("run", (event) => event.state === "failed");
        // Or the other one was quicker to give up, and said why.
        expect(`${failed.peer}: ${failed.reason}`).toContain("Cem");
      }
    } finally {
      await Promise.all(tabs.map((tab) => tab.page.close()));
    }
  },
);

test(
  "a tab and a native party by WebRTC, whoever of the two is the host",
  async () => {
    const source = join(home, "program.py");
    await writeFile(source, LONG);
    const common = ["--json", "--network", "webrtc", "--rendezvous", meeting.url];
    for (const hosts of [true, false]) {
      const tab = await Tab.open(chromium.contexts[0]!, core.url, meeting.url);
      let native: Native | undefined;
      try {
        if (hosts) {
          native = new Native(home, ["host", ...common, "--open", "-M", "2", "--name", "Ann", source]);
          const { url } = await native.events.until("invitation");
          await tab.send({ do: "join", name: "Ben", invitation: url, networks: ["webrtc"] });
        } else {
          await tab.send({ do: "host", name: "Ben", parties: 2, program: program(LONG), networks: ["webrtc"] });
          const { url } = await tab.events.until("invitation");
          native = new Native(home, ["join", ...common, "--program", source, "--yes", "--name", "Ann", url]);
        }
        await Promise.all([finished(tab.events), finished(native.events)]);
        expect(tab.events.output + native.events.output).toMatch(/total 3[^]*total 3/);
        expect(networks(tab.events)).toEqual(new Set(["webrtc"]));
        expect(networks(native.events)).toEqual(new Set(["webrtc"]));
      } finally {
        native?.end();
        await tab.page.close();
      }
    }
  },
);
