/** The network webrtc in browsers: real Chromium, tabs with each other and with a native party. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, Tab, agreeable, people, rendezvous, serveCore, type Events } from "./browser";

const MINUTE = 60_000;

let core: { url: string; server: Server };
let meeting: { url: string; end: () => void };
let chromium: { contexts: BrowserContext[]; close: () => Promise<void> };
let home: string;

beforeAll(async () => {
  [core, meeting, chromium] = await Promise.all([serveCore(), rendezvous(), people(3)]);
  home = await mkdtemp(join(tmpdir(), "huddle-home-"));
  // Tests lose connections as a network that goes away does.
  for (const context of chromium.contexts)
    await context.addInitScript(`globalThis.connections = [];
      globalThis.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...args) { super(...args); connections.push(this); }
      };`);
}, MINUTE);

afterAll(async () => {
  await chromium.close();
  core.server.close();
  meeting.end();
  await rm(home, { recursive: true });
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

/** Many rounds; the host's person says when half of it is done. */
const ROUNDS = `
from mpyc.runtime import mpc

async def main():
    secint = mpc.SecInt(64)
    await mpc.start()
    x = secint(1)
    for step in range(300):
        x = x * 3 % 1_000_003 if step % 100 == 99 else x + await mpc.output(mpc.sum(mpc.input(secint(step))))
        if step == 50:
            print("half", flush=True)
    print("result", await mpc.output(x), flush=True)
    await mpc.shutdown()

mpc.run(main())
`;

const program = (source: string): unknown => ({ entry: "program.py", files: { "program.py": source }, args: [] });

interface Company {
  tabs: Tab[];
  url: string;
}

/** A session of so many tabs, in a browser each, that runs this program; the first one is the host. */
async function company(source: string, count: number, local: object = {}, pumped = false): Promise<Company> {
  const tabs = await Promise.all(
    chromium.contexts.slice(0, count).map((context) => Tab.open(context, core.url, meeting.url, agreeable, { pumped })),
  );
  const [host, ...guests] = tabs;
  await host!.send({ do: "host", name: "Ann", parties: count, program: program(source), ...local });
  const { url } = await host!.events.until("invitation");
  const names = ["Ben", "Cem"];
  await Promise.all(guests.map((tab, index) => tab.send({ do: "join", name: names[index], invitation: url, ...local })));
  return { tabs, url };
}

async function closeAll(tabs: Tab[]): Promise<void> {
  await Promise.all(tabs.map((tab) => tab.page.close()));
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

test.each([
  ["transferred to the session worker", false],
  ["pumped by the page", true],
])(
  "two tabs by WebRTC alone, data channels %s",
  async (_, pumped) => {
    const { tabs } = await company(pumped ? LONG : BUSY, 2, { networks: ["webrtc"] }, pumped);
    try {
      await Promise.all(tabs.map((tab) => finished(tab.events)));
      for (const tab of tabs) expect(tab.events.output).toContain("total 3");
      for (const tab of tabs) expect(networks(tab.events)).toEqual(new Set(["webrtc"]));
      // A program that computes does not keep its links from answering.
      for (const tab of tabs) expect(tab.events.all.filter((event) => event.event === "reconnect")).toEqual([]);
      const { path } = await tabs[0]!.events.until("link", (link) => link.run === 1);
      expect(path).toMatch(/^direct, .* port \d+$/);
    } finally {
      await closeAll(tabs);
    }
  },
  4 * MINUTE,
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
  4 * MINUTE,
);

test(
  "connections that are lost in mid-run are made anew, and the result is right",
  async () => {
    const { tabs } = await company(ROUNDS, 3);
    try {
      await tabs[0]!.events.until("output", (event) => event.text.includes("half"));
      await tabs[1]!.page.evaluate("connections.map((connection) => connection.close())");
      await tabs[2]!.page.evaluate("dispatchEvent(new Event('online'))");
      await Promise.all(tabs.map((tab) => finished(tab.events)));
      const results = tabs.map((tab) => /result (\d+)/.exec(tab.events.output)?.[1]);
      expect(results).toEqual(Array(3).fill(String(expected())));
      const lost = tabs[0]!.events.all.filter((event) => event.event === "reconnect" && event.state === "lost");
      expect(lost.length).toBeGreaterThan(0);
    } finally {
      await closeAll(tabs);
    }
  },
  4 * MINUTE,
);

function expected(): number {
  let x = 1;
  for (let step = 0; step < 300; step++) x = step % 100 === 99 ? (x * 3) % 1_000_003 : x + 3 * step;
  return x;
}

test(
  "a tab that is closed in mid-run is named to all others",
  async () => {
    const forever = ROUNDS.replace("range(300)", "range(10**9)");
    const { tabs } = await company(forever, 3, { grace: 10 });
    try {
      await tabs[0]!.events.until("output", (event) => event.text.includes("half"));
      const began = performance.now();
      await tabs[2]!.page.close();
      const silent = await Promise.all(
        tabs.slice(0, 2).map((tab) => tab.events.until("party", (party) => party.name === "Cem" && party.state === "silent")),
      );
      console.log(`named after ${((performance.now() - began) / 1000).toFixed(1)} s`);
      expect(silent).toHaveLength(2);
      for (const tab of tabs.slice(0, 2)) {
        const failed = await tab.events.until("run", (event) => event.state === "failed");
        // Or the other one was quicker to give up, and said why.
        expect(`${failed.peer}: ${failed.reason}`).toContain("Cem");
      }
    } finally {
      await closeAll(tabs.slice(0, 2));
    }
  },
  4 * MINUTE,
);
