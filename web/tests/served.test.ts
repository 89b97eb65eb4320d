/** The page as `huddle serve` serves it, with people in terminals and on phones, and with what goes wrong. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { devices } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, ROOT, launch, rendezvous } from "./browser";
import { hostile } from "./hostile";
import { accept, button, knock, needPage, open, output, result, shown, words } from "./people";
import { probe, reached } from "./probe";

type Person = Awaited<ReturnType<typeof launch>>;

let meeting: { url: string; end: () => Promise<void> };
let ann: Person, ben: Person, phone: Person;
let home: string;

beforeAll(async () => {
  needPage();
  const { viewport, userAgent, isMobile, hasTouch, deviceScaleFactor } = devices["Pixel 7"]!;
  [meeting, ann, ben, phone, home] = await Promise.all([
    rendezvous(),
    launch(),
    launch(),
    launch({ viewport, userAgent, isMobile, hasTouch, deviceScaleFactor }),
    mkdtemp(join(tmpdir(), "huddle-home-")),
  ]);
});

afterAll(async () => {
  await Promise.all([ann.close(), ben.close(), phone.close()]);
  await meeting.end();
  await rm(home, { recursive: true, maxRetries: 10 });
});

/** Somebody at a terminal who hosts, lets everybody in and accepts. */
function terminal(parties: number, ...program: string[]): Native {
  return hosting(meeting.url, parties, ...program);
}

function hosting(where: string, parties: number, ...program: string[]): Native {
  const args = ["host", "--json", "--open", "-M", String(parties), "--name", "Tom", "--via", "lo", "--network", "relay"];
  return new Native(home, [...args, "--rendezvous", where, ...program]);
}

test(
  "a link opened on a phone: who invites, the program, the words, yes, and Secret Santa with a terminal",
  async () => {
    const tom = terminal(2, join(ROOT, "programs/secret_santa.py"), "--size", "3");
    const { url } = await tom.events.until("invitation");
    const page = await open(phone.context, url);
    try {
      await shown({ page }, async () => {
        await page.getByRole("heading", { name: "You are invited to a huddle" }).waitFor();
        await knock(page, "Pia");
        await page.getByRole("heading", { name: "Tom invites you" }).waitFor();
        await expect.poll(() => words(page)).toEqual((await tom.events.until("words")).words);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        expect(wide, "the page is wider than the phone").toBe(false);
        await button(page, "Accept and run").tap();
        await button(page, "Run without comparing").tap();
        await page.getByRole("heading", { name: "You have the result" }).waitFor();
        await result(page).getByText(/Person \d gives a present/).first().waitFor();
        expect(await tom.exited).toBe(0);
        // Each learns only for whom they are the giver.
        await expect.poll(async () => (await output(page)).textContent()).toMatch(/Person \d gives a present to person \d\./);
        expect(tom.events.output).toMatch(/Person \d gives a present to person \d\./);
      });
    } finally {
      tom.end();
      await page.close();
    }
  },
);

test(
  "who declines is named to the host; the same page then joins another session",
  async () => {
    const first = terminal(2, join(ROOT, "programs/secret_santa.py"), "--size", "3");
    const source = join(home, "probe.py");
    await writeFile(source, probe());
    // Both are Tom, whose identity the first makes.
    const { url } = await first.events.until("invitation");
    const second = terminal(2, source, meeting.url);
    const page = await open(ben.context, url);
    try {
      await shown({ page }, async () => {
        await knock(page, "Ben");
        await words(page);
        await button(page, "Decline").click();
        await page.getByRole("heading", { name: "The session is over" }).waitFor();
        await first.events.until("party", (event) => event.name === "Ben" && event.state === "left");
        expect(first.events.all.some((event) => event.event === "run")).toBe(false);

        // In the second one a program tries what it can, as it was served, with what its person gave it when accepting.
        await button(page, "To the start").click();
        await button(page, "Join a session").click();
        await page.getByLabel("Link or code").fill((await second.events.until("invitation")).url);
        await knock(page, "Ben");
        await words(page);
        await page.getByText("Your own files and arguments for it").click();
        await page.getByLabel("Private input files").setInputFiles({ name: "own.txt", mimeType: "text/plain", buffer: Buffer.from("of this device") });
        await page.getByText("own.txt").waitFor();
        await page.getByLabel("Your own arguments").fill("--mine 42");
        await accept(page);
        await result(page).waitFor();
        const said = await (await output(page)).textContent();
        expect(said).toContain("sum 6");
        expect(said).toContain("own file: of this device");
        expect(said).toContain("own arguments: --mine 42");
        expect(reached(said ?? ""), said ?? "").toEqual([]);
        expect(second.events.output).not.toContain("of this device");
      });
    } finally {
      first.end();
      second.end();
      await page.close();
    }
  },
);

test(
  "a rendezvous that shows a record twice is named as the one at fault, and nothing runs",
  async () => {
    const liar = await hostile(meeting.url);
    const tom = hosting(liar.url, 2, join(ROOT, "programs/secret_santa.py"), "--size", "3");
    const page = await open(ben.context, (await tom.events.until("invitation")).url);
    try {
      await shown({ page }, async () => {
        await knock(page, "Ben");
        // The form is there again, with the reason.
        await page.getByRole("alert").getByText(/rendezvous/).first().waitFor();
        expect(await page.getByLabel("Your name").inputValue()).toBe("Ben");
        await button(page, "Try again").waitFor();
        expect(tom.events.all.some((event) => event.event === "run")).toBe(false);
      });
    } finally {
      liar.end();
      tom.end();
      await page.close();
    }
  },
);
