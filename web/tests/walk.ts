/** Host and guest by keyboard alone, in any browser: the walks of keyboard.test.ts and keyboard-firefox.test.ts. */
import { expect } from "vitest";
import { hears, listening, lost, violations, type Heard } from "./reader";

/** A page before somebody at a keyboard. */
export interface AtKeyboard extends Heard {
  goto(address: string): Promise<unknown>;
  /** Runs before any script of the pages that come. */
  before(script: () => void): Promise<unknown>;
  /** A key, or several together as `Control+A`. */
  press(key: string): Promise<void>;
  type(text: string): Promise<void>;
}

/** What a reader of the screen says of where the cursor is. */
const focused = (page: AtKeyboard): Promise<string> =>
  page.evaluate(() => {
    let element = document.activeElement as HTMLElement | null;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement as HTMLElement;
    if (!element || element === document.body || !document.hasFocus()) return "nowhere";
    const label = (element as HTMLInputElement).labels?.[0]?.textContent ?? element.getAttribute("aria-label") ?? element.textContent;
    return `${element.tagName.toLowerCase()} ${label?.replace(/\s+/g, " ").trim()}`;
  });

/** Press Tab until the cursor is there; everything on the way has a name. */
async function tabTo(page: AtKeyboard, wanted: RegExp): Promise<void> {
  // A button that decides takes no press at once, and is passed over until then.
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const at = await focused(page);
    if (wanted.test(at)) return;
    expect(at, "something without a name").toMatch(/^\w+ \S|^nowhere|^html/);
    await page.press("Tab");
  }
  throw new Error(`Tab never came to ${wanted}; it is at ${await focused(page)}`);
}

async function press(page: AtKeyboard, wanted: RegExp, key = "Enter"): Promise<void> {
  await tabTo(page, wanted);
  await page.press(key);
}

async function answer(page: AtKeyboard, text: string): Promise<void> {
  await page.type(text);
  await page.press("Enter");
}

/** After the screen has changed the cursor is somewhere. */
async function somewhere(page: AtKeyboard): Promise<void> {
  await expect.poll(() => focused(page)).not.toBe("nowhere");
}

async function sees(page: AtKeyboard, wanted: RegExp): Promise<void> {
  await expect.poll(() => page.evaluate(() => document.body.innerText)).toMatch(wanted);
}

/** The link that the host's page shows. */
async function invitation(page: AtKeyboard): Promise<string> {
  const link = (): Promise<string> => page.evaluate(() => document.querySelector<HTMLInputElement>("#invite-link")?.value ?? "");
  await expect.poll(link).not.toBe("");
  return link();
}

/** Where the steps fail, what the pages show is told. */
async function told(pages: Record<string, AtKeyboard>, steps: () => Promise<void>): Promise<void> {
  try {
    await steps();
  } catch (error) {
    for (const [name, page] of Object.entries(pages))
      console.log(`--- ${name}, at ${await focused(page).catch(String)}, sees\n${await page.evaluate(() => document.body.innerText).catch(String)}`);
    throw error;
  }
}

/** A session of two about salaries, up to its result; `check` looks at both pages then. */
export async function toTheResult(url: string, ann: AtKeyboard, ben: AtKeyboard, check: () => Promise<void> = async () => undefined): Promise<void> {
  await told({ ann, ben }, async () => {
    await ann.goto(`${url}/#host=average_salary&parties=2`);
    await tabTo(ann, /^input Your name/);
    await ann.type("Ann");
    await press(ann, /^button Open the session/);
    const link = await invitation(ann);
    await somewhere(ann);

    await ben.goto(link);
    await tabTo(ben, /^input Your name/);
    await ben.type("Ben");
    await press(ben, /^button Join/);
    await sees(ann, /Let Ben in/);
    await press(ann, /^button Let Ben in/);
    await somewhere(ann);
    for (const page of [ann, ben]) await sees(page, /Say these words to each other/);
    await somewhere(ben);
    await press(ann, /^input Ben/, "Space");
    // What is wrong in the program's form is where the cursor goes.
    await press(ann, /^button Accept and run/);
    await expect.poll(() => focused(ann)).toMatch(/^input Your salary/);
    await ann.type("3000");
    await press(ann, /^button Accept and run/);
    await tabTo(ben, /^input Your salary/);
    await ben.type("4000");
    await press(ben, /^button Accept and run/);
    await somewhere(ben);
    await press(ben, /^button Run without comparing/);
    for (const page of [ann, ben]) {
      await sees(page, /The average salary is 3500\.00\./);
      await somewhere(page);
    }
    await check();
    await press(ann, /^button End the session/);
    await expect.poll(() => focused(ben)).toMatch(/^h1 You have the result/);
    await somewhere(ann);
  });
}

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
const SECOND = "from mpyc.runtime import mpc\nmpc.run(mpc.start())\nprint('second')\nmpc.run(mpc.shutdown())\n";

/** Writes a program in the place of the one that stands in the editor, and gets out of it. */
async function write(page: AtKeyboard, source: string): Promise<void> {
  await tabTo(page, /^div Your program/);
  await page.press("Control+A");
  await page.type(source);
  do {
    await page.press("Escape"); // Tab leads out for two seconds
    await page.press("Tab");
  } while (/Your program/.test(await focused(page)));
}

/** Lobby, refusal, words, a no, two questions with a line of chat between them, the result and another program. */
export async function throughAll(url: string, ann: AtKeyboard, ben: AtKeyboard): Promise<void> {
  await Promise.all([ann, ben].map((page) => page.before(listening)));
  await told({ ann, ben }, async () => {
    await ann.goto(url);
    await press(ann, /^button Host a session/);
    await tabTo(ann, /^input Gallery/);
    await ann.press("ArrowLeft");
    await write(ann, ASKING);
    await tabTo(ann, /^input Your name/);
    await ann.type("Ann");
    await tabTo(ann, /^input People, you/);
    await ann.press("ArrowDown");
    await press(ann, /^button Open the session/);
    const link = await invitation(ann);

    await ben.goto(link);
    await tabTo(ben, /^input Your name/);
    await answer(ben, "Ben");
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
      await expect.poll(() => focused(page)).toMatch(/^input Your colour\?/);
      await hears(page, /Your colour\?/);
    }
    expect(await violations(ann)).toEqual([]);
    await answer(ann, "blue");
    // Who is in the middle of a sentence to the others does not give its end to the program.
    await tabTo(ann, /^button People/);
    await ann.press("ArrowRight");
    await tabTo(ann, /^input Say something/);
    await ann.type("wait a ");
    await answer(ben, "red");
    for (const page of [ann, ben]) await hears(page, /Your size\?/);
    await answer(ann, "moment");
    await hears(ben, /Ann: wait a moment/);
    await tabTo(ann, /^input Your size\?/);
    await answer(ann, "40");
    await expect.poll(() => focused(ben)).toMatch(/^input Your size\?/);
    await answer(ben, "2");
    for (const page of [ann, ben]) await hears(page, /You have the result\. Run 1 took .* Letters 7 sizes 42/);
    for (const page of [ann, ben]) expect(await violations(page)).toEqual([]);

    await press(ann, /^button Another program/);
    await write(ann, SECOND);
    await press(ann, /^button Propose it/);
    await hears(ben, /Waiting for your answer/);
    await press(ben, /^button Accept and run/);
    for (const page of [ann, ben]) await hears(page, /Run 2 took .* second/);
    await press(ann, /^button End the session/);
    await expect.poll(() => focused(ben)).toMatch(/^h1 You have the result/);
    await press(ben, /^button .*start/i);
    await somewhere(ben);
    expect(await lost(ann)).toEqual([]);
    expect(await lost(ben)).toEqual([]);
  });
}
