/** Host and guest by keyboard alone in Chromium, from the first screen to the result; the cursor is never nowhere, and what happens is read aloud. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { people, rendezvous } from "./browser";
import { needPage, open, result } from "./people";
import { throughAll, toTheResult, type AtKeyboard } from "./walk";

let meeting: Awaited<ReturnType<typeof rendezvous>>;
let chromium: Awaited<ReturnType<typeof people>>;
let pages: Page[] = [];

beforeAll(async () => {
  needPage();
  [meeting, chromium] = await Promise.all([rendezvous(), people(2)]);
});

afterAll(async () => {
  await chromium.close();
  await meeting.end();
});

/** A person at the keyboard, before an empty page. */
function atKeyboard(page: Page): AtKeyboard {
  return {
    goto: (address) => page.goto(address),
    before: (script) => page.addInitScript(script),
    evaluate: (what) => page.evaluate(what),
    press: (key) => page.keyboard.press(key),
    type: (text) => page.keyboard.type(text),
  };
}

async function two(): Promise<[AtKeyboard, AtKeyboard]> {
  pages = await Promise.all(chromium.contexts.map((context) => open(context, "about:blank")));
  return [atKeyboard(pages[0]!), atKeyboard(pages[1]!)];
}

test(
  "a session of two without a mouse",
  async () => {
    const [ann, ben] = await two();
    await toTheResult(meeting.url, ann, ben, async () => {
      // What somebody hears who looks for the result by its landmark.
      expect(await result(pages[1]!).ariaSnapshot()).toMatch(/region "Result"[\s\S]*heading "Result"[\s\S]*The average salary is 3500\.00\./);
      expect(await pages[1]!.locator("main").ariaSnapshot()).not.toMatch(/- (button|textbox|checkbox|combobox)(?! ")/);
    });
    await Promise.all(pages.map((page) => page.close()));
  },
);

test(
  "lobby, refusal, words, questions, result and another program without a mouse, and all of it is read aloud",
  async () => {
    await throughAll(meeting.url, ...(await two()));
    await Promise.all(pages.map((page) => page.close()));
  },
);
