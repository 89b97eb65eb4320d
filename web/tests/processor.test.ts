/** The processor time of a browser: of its pages, beside Chromium's own account of one, and of those that are closed. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { people } from "./browser";
import { ofThread, spent } from "./processor";

test("what a page has computed counts, also when it is closed", async () => {
  const { contexts, close } = await people(1);
  try {
    const browser = contexts[0]!.browser()!;
    const all = await browser.newBrowserCDPSession();
    const renderers = async (): Promise<number[]> =>
      (await all.send("SystemInfo.getProcessInfo")).processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
    const page = await contexts[0]!.newPage();
    const cdp = await contexts[0]!.newCDPSession(page);
    const computed = await ofThread(cdp);
    const [before, own] = [await spent([browser]), await computed()];
    const compute = (): Promise<void> =>
      page.evaluate(() => {
        for (const end = performance.now() + 200; performance.now() < end; );
      });
    let busy = 0;
    for (; busy < 0.5; busy = (await computed()) - own) await compute();
    const after = await spent([browser]);
    // A tick of each of its threads may not have been counted yet.
    expect(after - before).toBeGreaterThan(busy - 0.05);

    const ending = await renderers();
    await page.close();
    // Chromium may keep one for the next page.
    await expect.poll(() => ending.every((id) => existsSync(`/proc/${id}`))).toBe(false);
    expect(await spent([browser])).toBeGreaterThanOrEqual(after);
  } finally {
    await close();
  }
});
