/** Direct channels between Firefox and Chromium: used, cut by either, made anew; and what a hostile peer sends to Firefox. */
import type { Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Tab, agreeable, coreAndRendezvous, people } from "./browser";
import { COUNTED, FLOOD, GRACE, LIES, ROUNDS, UNTIL, cut, directly, firefoxOutput, firefoxTold, hostsInFirefox, inFrame, lying, made, program } from "./direct";
import { FirefoxPerson } from "./firefox";

let core: { url: string; server: Server };
let meeting: { url: string; end: () => void };
let chromium: Awaited<ReturnType<typeof people>>;
let fay: FirefoxPerson;

beforeAll(async () => {
  [[core, meeting], chromium] = await Promise.all([coreAndRendezvous(), people(1)]);
  await chromium.contexts[0]!.addInitScript(COUNTED);
  fay = await FirefoxPerson.at("about:blank");
  await fay.page.evaluateOnNewDocument(COUNTED);
  await fay.page.goto(core.url);
});

afterAll(async () => {
  await Promise.all([fay.close(), chromium.close()]);
  core.server.close();
  meeting.end();
});

test("Firefox hosts Chromium; their frames' channel is cut by the one, then by the other, and nothing is lost", async () => {
  const invitation = await hostsInFirefox(fay, meeting.url, program(UNTIL, "0"));
  const ben = await Tab.open(chromium.contexts[0]!, core.url, meeting.url, agreeable);
  try {
    await ben.send({ do: "join", name: "Ben", invitation, networks: ["webrtc"], grace: GRACE });
    await expect.poll(() => directly(ben.page)).toBeGreaterThan(20_000);
    for (const [at, page] of [ben.page, fay.page].entries()) {
      await cut(page);
      await expect.poll(() => made(ben.page)).toBeGreaterThan(at + 1);
      const before = await directly(ben.page);
      await expect.poll(() => directly(ben.page)).toBeGreaterThan(before + 10_000);
    }
    await fay.page.evaluate("globalThis.enough = true");
    expect(await ben.events.until("ended")).toMatchObject({ clean: true });
    expect(ben.events.output).toMatch(/through \d+ 3/);
    expect(await firefoxOutput(fay)).toMatch(/through \d+ 3/);
  } finally {
    await ben.page.close();
  }
});

test.each([["frames without end", FLOOD, "more than the window allows"] as const, ...LIES.map(([what, lie, blame]) => [what, lying(lie), blame] as const)])(
  "somebody in Firefox is told who sent %s on a direct channel",
  async (_, script, blame) => {
    const invitation = await hostsInFirefox(fay, meeting.url, program(ROUNDS, "120"));
    const ben = await Tab.open(chromium.contexts[0]!, core.url, meeting.url, agreeable);
    try {
      await inFrame(ben.page, script);
      await ben.send({ do: "join", name: "Ben", invitation, networks: ["webrtc"], grace: GRACE });
      const { reason, peer } = await firefoxTold(fay, "event.event === 'run' && event.state === 'failed'");
      expect(reason).toContain(blame);
      expect(peer).toBe("Ben");
    } finally {
      await ben.page.close();
    }
  },
);
