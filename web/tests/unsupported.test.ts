/**
 * An invitation opened in a browser without JSPI: it says what is missing, which browsers have it, and that a
 * terminal will do; nothing is loaded for a session that can't be. Chromium 156 has no switch to turn JSPI
 * off, so the page finds a WebAssembly from which it was taken.
 */
import { expect, test } from "vitest";
import { people, rendezvous } from "./browser";
import { needPage, shown } from "./people";

test(
  "a browser without JSPI is told so, with what to do",
  async () => {
    needPage();
    const [meeting, chromium] = await Promise.all([rendezvous(), people(1)]);
    try {
      const page = await chromium.contexts[0]!.newPage();
      await page.addInitScript("delete WebAssembly.Suspending; delete WebAssembly.promising");
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(`${meeting.url}/j#not-even-looked-at`);
      await shown({ page }, async () => {
        const said = page.getByRole("alert");
        await said.getByRole("heading", { name: "Huddle can't run here" }).waitFor();
        expect(await said.textContent()).toMatch(/JSPI.*Chrome, Edge or Firefox.*terminal.*huddle join/s);
        expect(page.workers()).toHaveLength(0);
        expect(asked.filter((url) => /\.(wasm|zip)$/.test(url))).toEqual([]);
      });
    } finally {
      await chromium.close();
      await meeting.end();
    }
  },
);
