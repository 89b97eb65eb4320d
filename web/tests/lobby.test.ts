/** Until the start people leave and come back, the host changes what is wrong, and what failed is tried again: on the page, with a terminal. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { accept, button, knock, open, place, result, sameWords, shown, words } from "./people";
import { Terminal } from "./terminal";

const here = place(3);

/** A program of all parties that says this, or does so. */
const program = (end: string) => `from mpyc.runtime import mpc\n\nmpc.run(mpc.start())\n${end}\nmpc.run(mpc.shutdown())\n`;

async function choose(page: Page, source: string): Promise<void> {
  await page.getByLabel("Your own files").check();
  await page.getByLabel("Files of the program").setInputFiles({ name: "prog.py", mimeType: "text/x-python", buffer: Buffer.from(source) });
}

async function hosts(page: Page, source: string, parties: number): Promise<string> {
  await page.goto(`${here.meeting.url}/`);
  await button(page, "Host a session").click();
  await choose(page, source);
  await page.getByLabel("Your name").fill("Ann");
  await page.getByLabel("People, you").fill(String(parties));
  await button(page, "Open the session").click();
  return page.getByLabel("Link").inputValue();
}

const guest = (name: string, link: string): Terminal => new Terminal(join(here.home, name), "join", "--name", name, "--via", "lo", "--network", "relay", link);

async function saysYes(terminal: Terminal): Promise<void> {
  await terminal.wait(/Whom did you hear say these words/);
  terminal.type("nobody");
}

const person = (page: Page, name: string) => page.locator("li", { hasText: name });

test(
  "a seat is given back, another code is made, too many wait and get a place: nobody joins anew",
  async () => {
    const [ann, ben] = await Promise.all([open(here.contexts[0]!, "about:blank"), open(here.contexts[1]!, "about:blank")]);
    let tom: Terminal | undefined;
    try {
      await shown({ ann, ben }, async () => {
        const link = await hosts(ann, program("print('first')"), 2);
        const code = ann.locator(".code");
        const first = await code.textContent();
        await button(ann, "Another code").click();
        await expect.poll(() => code.textContent()).not.toBe(first);
        await ben.goto(`${here.meeting.url}/${(await code.textContent())!.trim()}`);
        // A name that somebody has is given again otherwise, and nothing else is.
        await knock(ben, "Ann");
        await ben.getByRole("alert").getByText("somebody else has the name Ann").waitFor();
        await ben.getByLabel("Link or code").fill(link);
        await ben.getByLabel("Your name").fill("Ben");
        await button(ben, "Try again").click();
        await button(ann, "Refuse").click();
        // Who knocks again finds the form as it was.
        await ben.getByText("Ann did not let you in, and can still call you back").waitFor();
        await button(ben, "Knock again").click();
        await ann.getByText("was refused, and may knock again").waitFor();
        expect(await ben.getByLabel("Your name").inputValue()).toBe("Ben");
        await button(ben, "Join").click();
        await button(ann, "Refuse").click();
        // A refusal can be taken back, and the guest has nothing to do for it.
        await ben.getByText("Ann did not let you in, and can still call you back").waitFor();
        await ann.getByText("was refused, and still waits").waitFor();
        await button(ann, "Let Ben in after all").click();
        const before = await words(ben);

        tom = guest("Tom", link);
        await tom.wait(/The session is full; you are waiting for a seat/);
        await person(ann, "Tom").getByText("waits for a place").waitFor();
        expect(await button(ann, "Let Tom in").count()).toBe(0);
        await expect.poll(() => ann.title()).toBe("● Your answer, Huddle");
        await ann.getByText("Change something").click();
        await ann.getByLabel("How many take part").fill("3");
        await button(ann, "Change the number").click();
        await button(ann, "Let Tom in").waitFor();
        await ben.getByText("2 of 3 are here").waitFor();
        await button(ann, "Let Tom in").click();
        await expect.poll(() => words(ben)).not.toEqual(before);
        await sameWords(ann, ben);

        // Without Tom, and with two again.
        await button(ann, "Remove Tom").click();
        await tom.wait(/Ann did not let you in/);
        await ben.getByText("2 of 3 are here").waitFor();
        await ann.getByLabel("How many take part").fill("2");
        await button(ann, "Change the number").click();
        await words(ben);
        await accept(ann);
        await accept(ben);
        for (const page of [ann, ben]) await result(page).getByText("first").waitFor();
      });
    } finally {
      tom?.end();
      await Promise.all([ann.close(), ben.close()]);
    }
  },
);

test(
  "a no and a failed run lead all back, where another program is proposed to the same people",
  async () => {
    const [ann, ben] = await Promise.all([open(here.contexts[0]!, "about:blank"), open(here.contexts[1]!, "about:blank")]);
    let tom: Terminal | undefined;
    try {
      await shown({ ann, ben }, async () => {
        const link = await hosts(ann, program("print('first')"), 3);
        await ben.goto(link);
        await knock(ben, "Ben");
        tom = guest("Tom", link);
        await button(ann, "Let Ben in").click();
        await button(ann, "Let Tom in").click();
        await words(ben);
        await button(ben, "Decline").click();
        await ben.getByText(/You said no, and keep your place|Waiting until Ann asks again/).waitFor();
        await ann.getByRole("heading", { name: "Try again?" }).waitFor();

        await choose(ann, program("raise SystemExit('second fails')"));
        await button(ann, "Use this program").click();
        await button(ann, "Ask everybody again").click();
        await tom.wait(/The program is another one than before: prog\.py/);
        await saysYes(tom);
        await accept(ben);
        await accept(ann);
        await ann.getByRole("heading", { name: "Try again?" }).waitFor();
        await ben.getByText("Waiting for Ann").first().waitFor();

        await button(ann, "Another program").click();
        await choose(ann, program("print('third')"));
        await button(ann, "Propose it").click();
        await tom.wait(/Run this program here\?/);
        tom.type("y");
        await button(ben, "Accept and run").click();
        for (const page of [ann, ben]) await result(page).getByText("third").waitFor();
        await tom.wait(/third/);
      });
    } finally {
      tom?.end();
      await Promise.all([ann.close(), ben.close()]);
    }
  },
);

test(
  "a guest on the page says no to a terminal's program, stays, and runs the one that it is edited to",
  async () => {
    const path = join(here.home, "prog.py");
    await writeFile(path, program("print('first')"));
    const tom = new Terminal(join(here.home, "host"), "host", "--name", "Tom", "--parties", "2", "--via", "lo", "--network", "relay", "--rendezvous", here.meeting.url, path);
    const ben = await open(here.contexts[1]!, await tom.wait(/Send this link[^\n]*\s+(\S+\/j#\S+)\s/));
    try {
      await shown({ ben }, async () => {
        await knock(ben, "Ben");
        await words(ben);
        await saysYes(tom);
        await button(ben, "Decline").click();
        await tom.wait(/Try again\?/);
        await writeFile(path, program("print('second')"));
        tom.type("p");
        await tom.wait(/All are asked anew: prog\.py changed/);
        await tom.wait(/Try again\?/);
        tom.type("y");
        await words(ben);
        await accept(ben);
        await saysYes(tom);
        await result(ben).getByText("second").waitFor();
        await tom.wait(/second/);
      });
    } finally {
      tom.end();
      await ben.close();
    }
  },
);
