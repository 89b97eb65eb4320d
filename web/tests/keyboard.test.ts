/** Host and guest by keyboard alone, from the first screen to the result; the cursor is never nowhere. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { people, rendezvous } from "./browser";
import { MINUTES, needPage, open, result, shown } from "./people";

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
    const element = document.activeElement as HTMLElement | null;
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
