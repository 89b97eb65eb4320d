/** People before the page that `huddle serve` serves: each has a browser of their own, as identities are per browser. */
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { ROOT, people, rendezvous } from "./browser";

export function needPage(): void {
  if (!existsSync(join(ROOT, "web/dist/SHA256SUMS"))) throw new Error("build the page first: scripts/build-web");
}

/** Where a file's tests take place: a rendezvous with the page, browsers of so many people, and a folder for those at terminals. */
export interface Place {
  meeting: Awaited<ReturnType<typeof rendezvous>>;
  contexts: BrowserContext[];
  home: string;
}

/** It is there before the first of them, and gone after the last. */
export function place(count: number): Place {
  const here = {} as Place & { close: () => Promise<void> };
  beforeAll(async () => {
    needPage();
    const [meeting, chromium, home] = await Promise.all([rendezvous(), people(count), mkdtemp(join(tmpdir(), "huddle-home-"))]);
    await chmod(home, 0o755); // for the account that root becomes
    Object.assign(here, { meeting, ...chromium, home });
  });
  afterAll(async () => {
    await here.close();
    await here.meeting.end();
    await rm(here.home, { recursive: true, maxRetries: 10 });
  });
  return here;
}

export async function open(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage();
  page.on("pageerror", (error) => console.log(`[pageerror] ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") console.log(`[console] ${message.text()}`);
  });
  await page.goto(address);
  return page;
}

export const button = (page: Page, name: string): Locator => page.getByRole("button", { name, exact: true });

/** From the front page to an open room; its invitation. */
export async function host(page: Page, name: string, program: string, parties: number): Promise<string> {
  await button(page, "Host a session").click();
  await page.getByLabel(program).check();
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("People, you").fill(String(parties));
  await button(page, "Open the session").click();
  return page.getByLabel("Link").inputValue();
}

/** From the opened link to the host's door. */
export async function knock(page: Page, name: string): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await button(page, "Join").click();
}

/** The four words, once all of them are in sight; read in one go, for they may be replaced at any time. */
export async function words(page: Page): Promise<string[]> {
  const four = (): string[] | false => {
    const spans = [...document.querySelectorAll(".words span")].filter((span) => span.checkVisibility());
    return spans.length >= 4 && spans.map((span) => span.textContent ?? "");
  };
  return (await (await page.waitForFunction(four)).jsonValue()) as string[];
}

/** Until all of them see the same four words: a page may show those from before for a moment longer than another. */
export async function sameWords(...pages: Page[]): Promise<string[]> {
  let all: string[][] = [];
  const kinds = async (): Promise<number> => {
    all = await Promise.all(pages.map(words));
    return new Set(all.map(String)).size;
  };
  await expect.poll(kinds).toBe(1);
  return all[0]!;
}

/** The windows in which the words must be in sight: a computer, its 200 %, a phone, the narrowest, and a phone on its side. */
export const WINDOWS = [
  { width: 1280, height: 800 },
  { width: 640, height: 400 },
  { width: 390, height: 844 },
  { width: 320, height: 640 },
  { width: 844, height: 390 },
] as const;

/** By how many pixels the words stand above or below what the page shows first, for each window in which they do; nothing may lie over them. */
export async function hiddenWords(page: Page): Promise<string[]> {
  const before = page.viewportSize()!;
  const found: string[] = [];
  for (const window of WINDOWS) {
    await page.setViewportSize(window);
    found.push(
      ...(await page.evaluate(() => {
        scrollTo(0, 0);
        return [...document.querySelectorAll(".words span")].flatMap((word) => {
          const { top, bottom, left, right } = word.getBoundingClientRect();
          const at = `${word.textContent} at ${innerWidth}x${innerHeight}`;
          if (top < 0 || bottom > innerHeight) return [`${at}: from ${Math.round(top)} to ${Math.round(bottom)}`];
          const above = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
          return above && (word.contains(above) || above.contains(word)) ? [] : [`${at}: under ${above?.outerHTML.slice(0, 80)}`];
        });
      })),
    );
  }
  await page.setViewportSize(before);
  return found;
}

/** Says yes, also where nobody was heard to say the words, with these answers to the program's form by their labels. */
export async function accept(page: Page, answers: Record<string, string> = {}): Promise<void> {
  for (const [label, text] of Object.entries(answers)) await page.getByLabel(label, { exact: true }).fill(text);
  const yes = button(page, "Accept and run");
  const asked = (await yes.elementHandle())!;
  await yes.click();
  await asked.waitForElementState("hidden");
  const sure = button(page, "Run without comparing");
  if (await sure.isVisible()) await sure.click();
}

/** The page says goodbye, as on being closed; a browser that closes one waits half a second for that, which may be too short. */
export const goodbye = (page: Page): Promise<boolean> => page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide")));

/** The tab is gone without a word. */
export async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent("crash");
  const session = await page.context().newCDPSession(page);
  session.send("Page.crash").catch(() => undefined);
  await crashed;
}

/** The end of a session, whether its last run went well or not. */
export const ended = (page: Page): Locator => page.getByRole("heading", { name: /^(You have the result|The session is over)$/ });

/** The field of average_salary.py's form. */
export const SALARY = "Your salary a month";

/** The line that the program waits for, by what it asks. */
export const asks = (page: Page): Locator => page.locator("form.waits input");

/** What came of the last run, as its person reads it first. */
export const result = (page: Page): Locator => page.getByRole("region", { name: "Result" });

/** All that the last run wrote, as plain text. */
export async function output(page: Page): Promise<Locator> {
  const text = page.getByRole("log", { name: "Output as plain text" });
  const folded = page.locator("summary", { hasText: "Everything it wrote" });
  if ((await folded.isVisible()) && !(await button(page, "Plain text").or(text).isVisible())) await folded.click();
  if (!(await text.isVisible())) await button(page, "Plain text").click();
  return text;
}

/** Runs `steps`; where they fail, what the pages show is told. */
export async function shown(pages: Record<string, Page>, steps: () => Promise<void>): Promise<void> {
  try {
    await steps();
  } catch (error) {
    for (const [name, page] of Object.entries(pages))
      if (!page.isClosed()) console.log(`--- ${name} sees\n${await page.locator("body").innerText({ timeout: 5000 }).catch(String)}`);
    throw error;
  }
}
