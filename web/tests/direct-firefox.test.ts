/** Direct channels between Firefox and Chromium: used, cut by either, made anew. */
import type { Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Tab, agreeable, coreAndRendezvous, people } from "./browser";
import { COUNTED, ROUNDS, cut, directly, made, program } from "./direct";
import { FirefoxPerson } from "./firefox";

const MINUTE = 60_000;

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
}, 2 * MINUTE);

afterAll(async () => {
  await Promise.all([fay.close(), chromium.close()]);
  core.server.close();
  meeting.end();
}, MINUTE);

/** Firefox's session, which lets everybody in and accepts; what it was told is kept in its page. */
const HOST = (rendezvous: string, told: unknown): string => `(async () => {
  while (!globalThis.core) await new Promise((done) => setTimeout(done, 50));
  globalThis.told = [];
  const session = core.openSession(${JSON.stringify(rendezvous)});
  session.subscribe((event) => {
    told.push("files" in event ? { event: event.event } : event);
    if (event.event !== "question") return;
    session.send(event.what === "admit" ? { do: "admit", did: event.did } : { do: event.what === "again" ? "finish" : "accept" });
  });
  const said = ${JSON.stringify(told)};
  for (const [path, text] of Object.entries(said.program.files)) said.program.files[path] = new TextEncoder().encode(text);
  session.send(said);
})()`;

test("Firefox hosts Chromium; their frames' channel is cut by the one, then by the other, and nothing is lost", { timeout: 4 * MINUTE }, async () => {
  const local = { networks: ["webrtc"], grace: 20 };
  await fay.page.evaluate(HOST(meeting.url, { do: "host", name: "Fay", parties: 2, program: program(ROUNDS, "25"), ...local }));
  const invitation = await fay.page.waitForFunction("told.find((event) => event.event === 'invitation')?.url", { polling: 100, timeout: MINUTE });
  const ben = await Tab.open(chromium.contexts[0]!, core.url, meeting.url, agreeable);
  try {
    await ben.send({ do: "join", name: "Ben", invitation: String(await invitation.jsonValue()), ...local });
    await expect.poll(() => directly(ben.page), { timeout: MINUTE }).toBeGreaterThan(20_000);
    for (const [at, page] of [ben.page, fay.page].entries()) {
      await cut(page);
      await expect.poll(() => made(ben.page), { timeout: MINUTE }).toBeGreaterThan(at + 1);
      const before = await directly(ben.page);
      await expect.poll(() => directly(ben.page), { timeout: MINUTE }).toBeGreaterThan(before + 10_000);
    }
    expect(await ben.events.until("ended")).toMatchObject({ clean: true });
    expect(ben.events.output).toMatch(/through \d+ 3/);
    const hosted = (await fay.page.evaluate("told.filter((event) => event.event === 'output').map((event) => event.text).join('')")) as string;
    expect(hosted).toMatch(/through \d+ 3/);
  } finally {
    await ben.page.close();
  }
});
