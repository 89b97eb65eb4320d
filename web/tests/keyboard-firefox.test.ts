/** Host and guest by keyboard alone in Firefox: the walks of keyboard.test.ts. */
import type { KeyInput } from "puppeteer-core";
import { afterAll, beforeAll, test } from "vitest";
import { rendezvous } from "./browser";
import { FirefoxPerson } from "./firefox";
import { needPage } from "./people";
import { throughAll, toTheResult, type AtKeyboard } from "./walk";

let meeting: Awaited<ReturnType<typeof rendezvous>>;
let people: FirefoxPerson[] = [];

beforeAll(async () => {
  needPage();
  [meeting, ...people] = await Promise.all([rendezvous(), FirefoxPerson.at("about:blank"), FirefoxPerson.at("about:blank")]);
  for (const { page } of people) await page.evaluateOnNewDocument(goesRound);
});

afterAll(async () => {
  await Promise.all(people.map((person) => person.close()));
  await meeting.end();
});

/** Behind the last place of a page come those of Firefox's window, from which no key of a test comes back: here the first follows. */
function goesRound(): void {
  addEventListener("DOMContentLoaded", () => {
    const end = document.createElement("button");
    end.textContent = "Round again";
    Object.assign(end.style, { position: "fixed", bottom: "0", right: "0" });
    end.onfocus = () => document.querySelector<HTMLElement>("button:not(:disabled), a[href], input, summary")?.focus();
    document.body.append(end);
  });
}

function atKeyboard({ page }: FirefoxPerson): AtKeyboard {
  return {
    goto: async (address) => {
      await page.goto("about:blank"); // an address that differs behind its # alone loads nothing
      await page.goto(address);
    },
    before: (script) => page.evaluateOnNewDocument(script),
    evaluate: async <R>(what: string | (() => R | Promise<R>)) => (await page.evaluate(what)) as R,
    press: async (keys) => {
      const [key, ...held] = keys.replace("Space", " ").split("+").toReversed() as [KeyInput, ...KeyInput[]];
      for (const one of held) await page.keyboard.down(one);
      await page.keyboard.press(held.length > 0 ? (key.toLowerCase() as KeyInput) : key);
      for (const one of held) await page.keyboard.up(one);
    },
    type: (text) => page.keyboard.type(text),
  };
}

test("a session of two without a mouse", async () => {
  await toTheResult(meeting.url, atKeyboard(people[0]!), atKeyboard(people[1]!));
});

test("lobby, refusal, words, questions, result and another program without a mouse, and all of it is read aloud", async () => {
  await throughAll(meeting.url, atKeyboard(people[0]!), atKeyboard(people[1]!));
});
