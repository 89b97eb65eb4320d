/** A host whose tab is loaded again, or dies, before the start comes back to the same room; guests stay and are told. */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { SALARY, accept, button, crash, host, knock, open, place, result, sameWords, shown, words } from "./people";
import { Terminal } from "./terminal";

const here = place(3);

/** A page of that person, whose questions before it goes are answered with yes. */
async function person(at: number, address = `${here.meeting.url}/`): Promise<Page> {
  const page = await open(here.contexts[at]!, address);
  page.on("dialog", (dialog) => void dialog.accept().catch(() => undefined));
  return page;
}

const left = (page: Page) => page.getByRole("status", { name: "Your session has not begun" });
const card = (page: Page, name: string) => page.locator("li", { has: page.getByText(name, { exact: true }) });
const did = (page: Page, name: string) => card(page, name).locator("details code").textContent();

test(
  "a tab that is loaded again: the link, the person and the guests are the same, the words are new",
  async () => {
    const [ann, ben] = await Promise.all([person(0), person(1)]);
    let tom: Terminal | undefined;
    try {
      await shown({ ann, ben }, async () => {
        const link = await host(ann, "Ann", "Average salary", 3);
        await ben.goto(link);
        await knock(ben, "Ben");
        await button(ann, "Let Ben in").click();
        tom = new Terminal(join(here.home, "Tom"), "join", "--name", "Tom", "--via", "lo", "--network", "relay", link, "--", "--salary=5000");
        await button(ann, "Let Tom in").click();
        const before = await words(ben);
        await tom.wait(/Whom did you hear say these words/);
        const me = await did(ben, "Ann");
        // While this page lives, no other one of this browser is offered its session.
        const other = await person(0);
        await button(other, "Host a session").waitFor();
        expect(await left(other).count()).toBe(0);
        await other.close();

        const began = performance.now();
        await ann.reload();
        await ben.getByText("Ann's connection ended. Waiting for Ann to come back.").waitFor();
        console.log(`guests are told after ${((performance.now() - began) / 1000).toFixed(1)} s`);
        await left(ann).getByText("You left a session of average_salary.py before its start. With you: Ben and Tom.").waitFor();
        await button(ann, "Go on with it").click();
        await ben.getByText("You keep your seat and need not join again").waitFor();
        // They keep their places: nobody has to be let in again.
        await expect.poll(() => words(ben)).not.toEqual(before);
        await sameWords(ann, ben);
        await expect.poll(() => did(ben, "Ann")).toBe(me);
        await accept(ann, { [SALARY]: "3000" });
        await accept(ben, { [SALARY]: "4000" });
        await tom.wait(/Whom did you hear say these words/);
        tom.type("nobody");
        for (const page of [ann, ben]) await result(page).getByText("The average salary is 4000.00.").waitFor();

        // Once it has begun, nothing is kept to come back to, and the page says what can't be done and why.
        await ann.reload();
        await ann.getByText("A session lives in its page, so your part has ended").waitFor();
        await ann.getByText("Open a new session, and send its link.").waitFor();
        expect(await left(ann).count()).toBe(0);
      });
    } finally {
      tom?.end();
      await Promise.all([ann.close(), ben.close()]);
    }
  },
);

test(
  "a tab that dies: another one of the same browser goes on, with what was changed; a guest's that dies has its seat again",
  async () => {
    let [ann, ben] = await Promise.all([person(0), person(1)]);
    try {
      await shown({ ann, ben }, async () => {
        const link = await host(ann, "Ann", "Average salary", 3);
        await ben.goto(link);
        await knock(ben, "Ben");
        await button(ann, "Let Ben in").click();
        await ben.getByText("2 of 3 are here").waitFor();
        await crash(ben);
        ben = await person(1, link);
        await button(ben, "Join").click();
        await ben.getByText("2 of 3 are here").waitFor();

        // Somebody is missing, so the link stands there, and is the same.
        await ann.reload();
        await button(ann, "Go on with it").click();
        expect(await ann.getByLabel("Link").inputValue()).toBe(link);
        await ann.getByText("2 of 3 are here").waitFor();

        await ann.getByText("Change something").click();
        await ann.getByLabel("How many take part").fill("2");
        await button(ann, "Change the number").click();
        await words(ben);
        await crash(ann);
        await ben.getByText("Waiting for Ann to come back.").first().waitFor();
        ann = await person(0);
        await left(ann).getByText("You left a session of average_salary.py").waitFor();
        await button(ann, "Go on with it").click();
        await sameWords(ann, ben);
        await accept(ann, { [SALARY]: "3000" });
        await accept(ben, { [SALARY]: "4000" });
        for (const page of [ann, ben]) await result(page).getByText("The average salary is 3500.00.").waitFor();
      });
    } finally {
      await Promise.all([ann.close(), ben.close()]);
    }
  },
);

test(
  "who does not go on with it, and who leaves on purpose, ends it for those who wait",
  async () => {
    const [ann, ben] = await Promise.all([person(0), person(1)]);
    try {
      await shown({ ann, ben }, async () => {
        await ben.goto(await host(ann, "Ann", "Average salary", 2));
        await knock(ben, "Ben");
        await button(ann, "Let Ben in").waitFor();
        await ann.reload();
        await ben.getByText("Waiting for Ann to come back.").waitFor();
        await button(ann, "End it").click();
        await ben.getByRole("alert").getByText("The host has ended the session.").waitFor();
        expect(await ben.getByLabel("Your name").inputValue()).toBe("Ben");
        expect(await left(ann).count()).toBe(0);

        const link = await host(ann, "Ann", "Average salary", 2);
        await ben.goto("about:blank");
        await ben.goto(link);
        await knock(ben, "Ben");
        await button(ann, "Let Ben in").waitFor();
        await button(ann, "Leave").click();
        await ben.getByRole("alert").getByText("Ann ended the session").waitFor();
        await button(ann, "To the start").click();
        await button(ann, "Host a session").waitFor();
        expect(await left(ann).count()).toBe(0);
      });
    } finally {
      await Promise.all([ann.close(), ben.close()]);
    }
  },
);
