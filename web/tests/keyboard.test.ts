/** Host and guest by keyboard alone, from the first screen to the result; the cursor is never nowhere, and what happens is read aloud. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { people, rendezvous } from "./browser";
import { MINUTES, needPage, open, result, shown } from "./people";
import { hears, listen, lost, violations } from "./reader";

let meeting: Awaited<ReturnType<typeof rendezvous>>;
let chromium: Awaited<ReturnType<typeof people>>;

beforeAll(async () => {
  needPage();
  [meeting, chromium] = await Promise.all([rendezvous(), people(2)]);
}, MINUTES);

afterAll(async () => {
  await chromium.close();
  await meeting.end();
}, MINUTES);

/** What a reader of the screen says of where the cursor is. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    let element = document.activeElement as HTMLElement | null;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement as HTMLElement;
    if (!element || element === document.body) return "nowhere";
    const label = (element as HTMLInputElement).labels?.[0]?.textContent ?? element.getAttribute("aria-label") ?? element.textContent;
    return `${element.tagName.toLowerCase()} ${label?.replace(/\s+/g, " ").trim()}`;
  });

/** Press Tab until the cursor is there; everything on the way has a name. */
async function tabTo(page: Page, wanted: RegExp): Promise<void> {
  // A button that decides takes no press at once, and is passed over until then.
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    const at = await focused(page);
    if (wanted.test(at)) return;
    expect(at, "something without a name").toMatch(/^\w+ \S|^nowhere|^html/);
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never came to ${wanted}; it is at ${await focused(page)}`);
}

async function press(page: Page, wanted: RegExp, key = "Enter"): Promise<void> {
  await tabTo(page, wanted);
  await page.keyboard.press(key);
}

/** After the screen has changed the cursor is somewhere. */
async function somewhere(page: Page): Promise<void> {
  await expect.poll(() => focused(page), { timeout: 20_000 }).not.toBe("nowhere");
}

test(
  "a session of two without a mouse",
  async () => {
    const [ann, ben] = await Promise.all([open(chromium.contexts[0]!, `${meeting.url}/#host=average_salary&parties=2`), open(chromium.contexts[1]!, "about:blank")]);
    await shown({ ann, ben }, async () => {
      await tabTo(ann, /^input Your name/);
      await ann.keyboard.type("Ann");
      await press(ann, /^button Open the session/);
      const link = await ann.getByLabel("Link").inputValue();
      await somewhere(ann);

      await ben.goto(link);
      await tabTo(ben, /^input Your name/);
      await ben.keyboard.type("Ben");
      await press(ben, /^button Join/);
      await ann.getByRole("button", { name: "Let Ben in" }).waitFor();
      await press(ann, /^button Let Ben in/);
      await somewhere(ann);
      for (const page of [ann, ben]) await page.locator(".words span").nth(3).waitFor();
      await somewhere(ben);
      await press(ann, /^input Ben/, "Space");
      // What is wrong in the program's form is where the cursor goes.
      await press(ann, /^button Accept and run/);
      await expect.poll(() => focused(ann), { timeout: 20_000 }).toMatch(/^input Your salary/);
      await ann.keyboard.type("3000");
      await press(ann, /^button Accept and run/);
      await tabTo(ben, /^input Your salary/);
      await ben.keyboard.type("4000");
      await press(ben, /^button Accept and run/);
      await somewhere(ben);
      await press(ben, /^button Run without comparing/);
      for (const page of [ann, ben]) {
        await result(page).getByText("The average salary is 3500.00.").waitFor();
        await somewhere(page);
      }
      // What somebody hears who looks for the result by its landmark.
      expect(await result(ben).ariaSnapshot()).toMatch(/region "Result"[\s\S]*heading "Result"[\s\S]*The average salary is 3500\.00\./);
      expect(await ben.locator("main").ariaSnapshot()).not.toMatch(/- (button|textbox|checkbox|combobox)(?! ")/);
      await press(ann, /^button End the session/);
      await ben.getByRole("heading", { name: "You have the result" }).waitFor();
      await somewhere(ann);
    });
    await Promise.all([ann.close(), ben.close()]);
  },
  MINUTES,
);

/** Asks twice; between the two questions all have to have answered the first. */
const ASKING = `from mpyc.runtime import mpc
secint = mpc.SecInt()
mpc.run(mpc.start())
colour = input("Your colour? ")
letters = mpc.run(mpc.output(mpc.sum(mpc.input(secint(len(colour))))))
size = int(input("Your size? "))
print("Letters", letters, "sizes", mpc.run(mpc.output(mpc.sum(mpc.input(secint(size))))))
mpc.run(mpc.shutdown())
`;

/** A person at the keyboard, before an empty page that listens. */
async function person(at: number): Promise<Page> {
  const page = await open(chromium.contexts[at]!, "about:blank");
  await listen(page);
  return page;
}

/** Writes a program in the place of the one that stands in the editor, and gets out of it. */
async function write(page: Page, source: string): Promise<void> {
  await tabTo(page, /^div Your program/);
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(source);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  expect(await focused(page)).not.toMatch(/Your program/);
}

test(
  "lobby, refusal, words, questions, result and another program without a mouse, and all of it is read aloud",
  async () => {
    const [ann, ben] = await Promise.all([person(0), person(1)]);
    await shown({ ann, ben }, async () => {
      await ann.goto(meeting.url);
      await press(ann, /^button Host a session/);
      await tabTo(ann, /^input Gallery/);
      await ann.keyboard.press("ArrowLeft");
      await write(ann, ASKING);
      await tabTo(ann, /^input Your name/);
      await ann.keyboard.type("Ann");
      await tabTo(ann, /^input People, you/);
      await ann.keyboard.press("ArrowDown");
      await press(ann, /^button Open the session/);
      const link = await ann.getByLabel("Link").inputValue();

      await ben.goto(link);
      await tabTo(ben, /^input Your name/);
      await ben.keyboard.type("Ben");
      await ben.keyboard.press("Enter");
      await hears(ann, /Somebody is at the door/);
      await press(ann, /^button Refuse/);
      await hears(ben, /Ann did not let you in, and can still call you back/);
      expect(await violations(ben)).toEqual([]);
      await press(ann, /^button Let Ben in after all/);

      for (const page of [ann, ben]) await hears(page, /Waiting for your answer/);
      for (const page of [ann, ben]) expect(await violations(page)).toEqual([]);
      await press(ben, /^button Decline/);
      await hears(ann, /Not all have said yes/);
      await hears(ben, /You said no|Waiting until Ann asks again/);
      await press(ann, /^button Ask everybody again/);
      for (const page of [ann, ben]) await hears(page, /Waiting for your answer/);
      await press(ben, /^button Somebody has other words/);
      await press(ben, /^button Back/);
      await press(ben, /^input Ann/, "Space");
      await press(ann, /^input Ben/, "Space");
      for (const page of [ann, ben]) await press(page, /^button Accept and run/);

      // The program's question is where the cursor goes, and its words are the field's name.
      for (const page of [ann, ben]) {
        await expect.poll(() => focused(page), { timeout: 60_000 }).toMatch(/^input Your colour\?/);
        await hears(page, /Your colour\?/);
      }
      expect(await violations(ann)).toEqual([]);
      await ann.keyboard.type("blue");
      await ann.keyboard.press("Enter");
      // Who is in the middle of a sentence to the others does not give its end to the program.
      await tabTo(ann, /^button People/);
      await ann.keyboard.press("ArrowRight");
      await tabTo(ann, /^input Say something/);
      await ann.keyboard.type("wait a ");
      await ben.keyboard.type("red");
      await ben.keyboard.press("Enter");
      for (const page of [ann, ben]) await hears(page, /Your size\?/);
      await ann.keyboard.type("moment");
      await ann.keyboard.press("Enter");
      await hears(ben, /Ann: wait a moment/);
      await tabTo(ann, /^input Your size\?/);
      await ann.keyboard.type("40");
      await ann.keyboard.press("Enter");
      expect(await focused(ben)).toMatch(/^input Your size\?/);
      await ben.keyboard.type("2");
      await ben.keyboard.press("Enter");
      for (const page of [ann, ben]) await hears(page, /You have the result\. Run 1 took .* Letters 7 sizes 42/);
      for (const page of [ann, ben]) expect(await violations(page)).toEqual([]);

      await press(ann, /^button Another program/);
      await write(ann, "from mpyc.runtime import mpc\nmpc.run(mpc.start())\nprint('second')\nmpc.run(mpc.shutdown())\n");
      await press(ann, /^button Propose it/);
      await hears(ben, /Waiting for your answer/);
      await press(ben, /^button Accept and run/);
      for (const page of [ann, ben]) await hears(page, /Run 2 took .* second/);
      await press(ann, /^button End the session/);
      await expect.poll(() => focused(ben), { timeout: 60_000 }).toMatch(/^h1 You have the result/);
      await press(ben, /^button .*start/i);
      await somewhere(ben);
      expect(await lost(ann)).toEqual([]);
      expect(await lost(ben)).toEqual([]);
    });
    await Promise.all([ann.close(), ben.close()]);
  },
  MINUTES,
);
