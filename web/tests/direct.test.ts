/** Direct channels between the frames of runners, in real browsers: used, cut in the middle, and made anew. */
import type { Server } from "node:http";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Tab, coreAndRendezvous, people } from "./browser";
import { ASKS, BUSY, COUNTED, CUT_SHORT, FLOOD, GoesOn, LIES, ROUNDS, UNTIL, closed, cut, directly, inFrame, lying, made, meet, over, patient, program, through } from "./direct";

let core: { url: string; server: Server };
let meeting: { url: string; end: () => void };
let chromium: { contexts: BrowserContext[]; close: () => Promise<void> };

beforeAll(async () => {
  [[core, meeting], chromium] = await Promise.all([coreAndRendezvous(), people(2)]);
  for (const context of chromium.contexts)
    await context.addInitScript(COUNTED);
});

afterAll(async () => {
  await chromium.close();
  core.server.close();
  meeting.end();
});

/** How two tabs meet: with what each begins, by which networks, what is done before, and what answers their questions. */
interface Company {
  options?: { direct?: boolean }[];
  networks?: string[];
  before?: (tabs: [Tab, Tab]) => Promise<void>;
  react?: typeof patient;
  grace?: number;
}

/** Two tabs in a session whose links go by `networks`. */
async function pair(source: string, args: string[], { options = [{}, {}], networks = ["webrtc"], before, react = patient, grace }: Company = {}): Promise<[Tab, Tab]> {
  const tabs = (await Promise.all(
    chromium.contexts.map((context, at) => Tab.open(context, core.url, meeting.url, react, options[at])),
  )) as [Tab, Tab];
  await before?.(tabs);
  await meet(tabs, program(source, ...args), networks, grace);
  return tabs;
}

test("the bytes of a run go from frame to frame, and counters know of them", async () => {
  const person = new GoesOn();
  const tabs = await pair(UNTIL, ["0"], { react: person.react });
  try {
    await tabs[0].events.until("output", (event) => event.text.includes("started"));
    await expect.poll(() => directly(tabs[0].page)).toBeGreaterThan(50_000);
    // While it lasts they tell its way, and the round trip on it; what went there a moment later, as the program's worker says.
    const { peers } = await tabs[0].events.until("stats", ({ peers: [peer] }) => peer!.path.startsWith("tab to tab (") && peer!.bytes_received > 1000);
    expect(peers[0]).toMatchObject({ network: "webrtc", path: expect.stringMatching(/^tab to tab \((host|prflx) to (host|prflx)\), \S+ port \d+$/) as string });
    expect(peers[0]!.rtt_ms).toBeGreaterThanOrEqual(0); // in whole milliseconds, of which a computer needs none
    person.enough();
    await through(tabs);
    // What went directly is counted with what went by the link, which has only the first and last few.
    const stats = tabs[0].events.all.filter((event) => event.event === "stats").at(-1);
    expect(stats?.peers[0]?.messages_sent).toBeGreaterThan(100);
    expect(stats?.rounds).toBeGreaterThan(100);
  } finally {
    await closed(tabs);
  }
});

test("cut again and again, by either frame, no byte is lost and none comes twice; new channels are made", async () => {
  const person = new GoesOn();
  const tabs = await pair(UNTIL, ["0"], { react: person.react });
  try {
    await tabs[0].events.until("output", (event) => event.text.includes("started"));
    await expect.poll(() => directly(tabs[0].page)).toBeGreaterThan(20_000);
    for (const [at, who] of [0, 1, 0].entries()) {
      await cut(tabs[who]!.page);
      // The link carries the run meanwhile; the next channel is another connection of both frames.
      await expect.poll(() => made(tabs[1].page)).toBeGreaterThan(at + 1);
      const before = await directly(tabs[0].page);
      await expect.poll(() => directly(tabs[0].page)).toBeGreaterThan(before + 10_000);
    }
    person.enough();
    await through(tabs);
    // The session's own links were never touched.
    for (const tab of tabs) expect(tab.events.all.filter((event) => event.event === "reconnect")).toEqual([]);
  } finally {
    await closed(tabs);
  }
});

test("a channel that is cut while a program computes for 60 s is noticed, and nothing of it is lost; the network goes as well", async () => {
  const person = new GoesOn();
  const tabs = await pair(BUSY, ["1", "60"], { react: person.react });
  const [ann, ben] = tabs;
  try {
    await expect.poll(() => directly(ann.page)).toBeGreaterThan(5_000);
    person.enough();
    await ben.events.until("output", (event) => event.text.includes("busy"));
    await cut(ann.page);
    // The frame of the program that computes makes the next one: below Python, and while it computes.
    await expect.poll(() => made(ben.page)).toBeGreaterThan(1);
    expect(ben.events.output).not.toContain("no longer");
    // All of this tab's network: the links of the session too.
    await ann.page.evaluate("connections.forEach((one) => one.close())");
    await cut(ann.page);
    await through(tabs);
  } finally {
    await closed(tabs);
  }
});

test("a channel that is cut while a program waits for its person is made anew, and a stopped run ends for both", async () => {
  const person = new GoesOn();
  const tabs = await pair(ASKS, ["100", "0"], { react: person.react });
  const [ann, ben] = tabs;
  try {
    await expect.poll(() => directly(ann.page)).toBeGreaterThan(5_000);
    person.enough();
    await ben.events.until("input", (event) => event.waiting);
    await cut(ben.page);
    await expect.poll(() => made(ann.page)).toBeGreaterThan(1);
    await ben.send({ do: "type_line", line: "yes" });
    await ann.events.until("output", (event) => /step/.test(event.text));
    await ben.events.until("output", (event) => event.text.includes("got yes"));
    await ben.send({ do: "stop_run" });
    for (const tab of tabs) await tab.events.until("run", (event) => event.state === "failed");
  } finally {
    await closed(tabs);
  }
});

test("nobody is reached in a way that they did not choose: no direct channel by relay alone, or where one has none", async () => {
  for (const [options, networks] of [
    [[{}, {}], ["relay"]],
    [[{}, { direct: false }], ["webrtc"]],
  ] as const) {
    const person = new GoesOn();
    const tabs = await pair(UNTIL, ["0"], { react: person.react, options: [...options], networks: [...networks] });
    try {
      await tabs[0].events.until("output", (event) => event.text.includes("step"));
      // While it runs: its frame goes with it.
      for (const tab of tabs) expect(await made(tab.page)).toBe(0);
      person.enough();
      await over(tabs);
    } finally {
      await closed(tabs);
    }
  }
});

test("a hostile peer that floods a program that computes is blamed before it has filled the tab's memory", async () => {
  const person = new GoesOn();
  person.enough();
  const tabs = await pair(BUSY, ["1", "120"], {
    react: person.react,
    before: ([ann]) => inFrame(ann.page, `globalThis.flooding = false; ${FLOOD}`),
  });
  const [ann, ben] = tabs;
  try {
    await ben.events.until("output", (event) => event.text.includes("busy"));
    const frame = ann.page.frames()[1]!;
    await frame.evaluate("globalThis.flooding = true");
    const end = await ben.events.until("run", (event) => event.state === "failed");
    expect(end.reason).toContain("more than the window allows");
    expect(ben.events.output).not.toContain("no longer");
    const flooded = Number(await frame.evaluate("flooded").catch(() => 0));
    expect(flooded).toBeLessThan(300_000_000);
    // By name, and what was written before is kept.
    expect(end.peer).toBe("Ann");
    expect(ben.events.output).toContain("started");
  } finally {
    await closed(tabs);
  }
});

test.each(LIES)("a hostile peer that sends %s on a direct channel is blamed for it", async (_, lie, blame) => {
  const tabs = await pair(ROUNDS, ["120"], {
    before: ([ann]) => inFrame(ann.page, lying(lie)),
  });
  const [, ben] = tabs;
  try {
    const { reason, peer } = await ben.events.until("run", (event) => event.state === "failed");
    expect(reason).toContain(blame);
    expect(peer).toBe("Ann");
  } finally {
    await closed(tabs);
  }
});

test("a channel that closes in the middle of a frame is a lost one: nobody is blamed, another is tried, and the run goes on", async () => {
  const person = new GoesOn();
  const tabs = await pair(UNTIL, ["0"], {
    react: person.react,
    before: ([ann]) => inFrame(ann.page, CUT_SHORT),
  });
  const [, ben] = tabs;
  try {
    await ben.events.until("output", (event) => event.text.includes("started"));
    await expect.poll(() => made(ben.page)).toBeGreaterThan(1);
    person.enough();
    await through(tabs);
  } finally {
    await closed(tabs);
  }
});

test("a tab that dies in the middle of a run on a direct channel is named to the other", async () => {
  const tabs = await pair(ROUNDS, ["300"], { grace: 20 });
  const [ann, ben] = tabs;
  try {
    await expect.poll(() => directly(ann.page)).toBeGreaterThan(20_000);
    const cdp = await ben.page.context().newCDPSession(ben.page);
    void cdp.send("Page.crash").catch(() => undefined);
    const end = await ann.events.until("run", (event) => event.state === "failed");
    expect(JSON.stringify(end)).toContain("Ben");
  } finally {
    await closed(tabs);
  }
});

test.each([true, false])("a frame is connected to the certificate of which the session told, and to no other: %s", async (told) => {
  const person = new GoesOn();
  const tabs = await pair(UNTIL, ["0"], {
    react: person.react,
    before: async ([, ben]) => {
      const script = `{
        const real = RTCPeerConnection.prototype.setRemoteDescription;
        RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
          return real.call(this, { type, sdp: sdp.replace(/(fingerprint:sha-256 )\\S+/, "$1" + Array(32).fill("AB").join(":")) });
        };
      }`;
      await inFrame(ben.page, told ? "" : script);
    },
  });
  try {
    const states = async (tab: Tab): Promise<string> => String(await tab.page.frames()[1]!.evaluate("connections.map((one) => one.sctp?.state).join()"));
    if (told) for (const tab of tabs) await expect.poll(() => states(tab)).toContain("connected");
    else {
      // DTLS fails, and they try again; none of all that they have made was ever connected.
      await expect.poll(() => made(tabs[0].page)).toBeGreaterThan(1);
      for (const tab of tabs) expect(await states(tab)).not.toContain("connected");
    }
    person.enough();
    await over(tabs);
  } finally {
    await closed(tabs);
  }
});
