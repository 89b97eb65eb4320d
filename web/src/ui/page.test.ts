/** The built page as people have it from `huddle serve`: several of them in Chromium. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext } from "playwright-core";
import { encode } from "uqr";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, rendezvous } from "../../tests/browser";
import { SALARY, accept, button, ended, host, knock, needPage, open, output, result, sameWords, shown } from "../../tests/people";

let meeting: { url: string; end: () => Promise<void> };
let url: string;
let people: { context: BrowserContext; close: () => Promise<void> }[];

beforeAll(async () => {
  needPage();
  [meeting, ...people] = await Promise.all([rendezvous(), launch(), launch()]);
  url = `${meeting.url}/`;
});

afterAll(async () => {
  for (const person of people) await person.close();
  await meeting.end();
});

test(
  "two people meet by the link, compare words, give their inputs, chat, and read the same result",
  async () => {
    const [ann, ben] = await Promise.all([open(people[0]!.context, url), open(people[1]!.context, url)]);
    await shown({ ann, ben }, async () => {
      await ben.goto(await host(ann, "Ann", "Average salary", 2));
      await ben.reload(); // its address differs in what follows the # only
      await knock(ben, "Ben");
      await button(ann, "Let Ben in").click();
      await ben.getByRole("heading", { name: "Ann invites you" }).waitFor();

      await sameWords(ann, ben);
      await ann.getByRole("checkbox", { name: "Ben" }).check();
      await ben.getByRole("checkbox", { name: "Ann" }).check();
      await accept(ann, { [SALARY]: "3000" });
      await accept(ben, { [SALARY]: "4000" });

      await ann.getByRole("tab", { name: "Chat" }).click();
      await ann.getByLabel("Say something to all").fill("<b>done</b>");
      await button(ann, "Send").click();
      for (const page of [ann, ben]) {
        await result(page).getByText("The average salary is 3500.00.").waitFor();
        expect(await result(page).textContent()).not.toMatch(/MPyC|Your salary/);
        await (await output(page)).getByText("The average salary is 3500.00.").waitFor();
      }
      await ben.getByRole("tab", { name: "Chat" }).click();
      await ben.getByText("<b>done</b>", { exact: true }).waitFor();

      await button(ann, "End the session").click();
      for (const page of [ann, ben]) await ended(page).waitFor();
      await button(ben, "To the start").click();
      await button(ben, "Past runs and what is kept here").click();
      await ben.getByText("average_salary.py").click();
      const kept = await ben.locator("details pre").textContent();
      expect(kept).toContain("The average salary is 3500.00.");
      expect(kept).not.toContain("4000");
    });
    await Promise.all([ann.close(), ben.close()]);
  },
);

/** A film of one picture with a QR code, as Chromium takes it for a camera (YUV4MPEG2, grey). */
function film(text: string): Buffer {
  const [width, height] = [640, 480];
  const code = encode(text, { ecc: "M", border: 4 });
  const cell = Math.floor(height / code.size);
  const luma = Buffer.alloc(width * height, 235);
  for (let y = 0; y < cell * code.size; y++) {
    for (let x = 0; x < cell * code.size; x++) {
      if (code.data[Math.floor(y / cell)]?.[Math.floor(x / cell)]) luma[y * width + x] = 16;
    }
  }
  const chroma = Buffer.alloc((width * height) / 2, 128);
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420\nFRAME\n`), luma, chroma]);
}

test(
  "a QR code before the camera is an invitation",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "huddle-film-"));
    const link = `${url}j#AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fVPaS`;
    await writeFile(join(directory, "code.y4m"), film(link));
    const browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: [
        ...["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
        `--use-file-for-fake-video-capture=${join(directory, "code.y4m")}`,
      ],
    });
    try {
      const page = await browser.newPage();
      await page.goto(url);
      await button(page, "Join a session").click();
      await button(page, "Scan a QR code").click();
      await page.getByLabel("Picture of the camera").waitFor({ state: "detached" });
      expect(await page.getByLabel("Link or code").inputValue()).toBe(link);
    } finally {
      await browser.close();
      await rm(directory, { recursive: true, maxRetries: 10 });
    }
  },
);

test(
  "a page that was opened before opens from the cache when the server is away",
  async () => {
    const other = await rendezvous();
    const page = await open(people[0]!.context, `${other.url}/`);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload();
    await button(page, "Host a session").waitFor();
    // Once through the service worker; what it keeps must be enough for the next time.
    const missing = (): Promise<string[]> =>
      page.evaluate(async () => {
        const parts = performance.getEntriesByType("resource").map(({ name }) => name);
        const cache = await caches.open("huddle-page");
        const kept = await Promise.all(parts.map((name) => cache.match(name)));
        return parts.filter((name, index) => /assets\/[^/]*\.(js|css)$/.test(name) && !kept[index]);
      });
    await page.waitForFunction(() => performance.getEntriesByName("huddle-session").length > 0);
    await expect.poll(missing).toEqual([]);
    await other.end();
    await page.reload();
    await button(page, "Host a session").waitFor();
  },
);
