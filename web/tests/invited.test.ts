/** The way of somebody who was just invited, where it is not straight: each dead end has a way on. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Native, ROOT, rendezvous } from "./browser";
import { SALARY, accept, asks, button, ended, goodbye, host, knock, open, place, result, shown, words } from "./people";

const here = place(3);

const PROGRAM = join(ROOT, "programs/average_salary.py");

/** Somebody at a terminal who hosts a session of two about salaries, with their own given already. */
function terminal(...program: string[]): Native {
  return new Native(here.home, ["host", "--json", "--open", "-M", "2", "--name", "Tom", "--via", "lo", "--network", "relay", "--rendezvous", here.meeting.url, "--private=--salary=5000", ...program]);
}

const alert = (page: Page) => page.getByRole("alert").filter({ hasText: "That did not work" });

test(
  "a link that lost its end says so before Python starts, and the whole one can be pasted over it",
  async () => {
    const tom = terminal(PROGRAM);
    const { url } = await tom.events.until("invitation");
    const page = await open(here.contexts[0]!, url.slice(0, -9));
    try {
      await shown({ page }, async () => {
        await page.getByRole("heading", { name: "You are invited to a huddle" }).waitFor();
        await page.getByText("This link is cut off or has a wrong letter in it.").waitFor();
        await page.goto("about:blank");
        await page.goto(url.slice(0, -1) + (url.endsWith("A") ? "B" : "A"));
        await page.getByText("This link is cut off or has a wrong letter in it.").waitFor();
        await page.getByLabel("The link, or a code").fill(url);
        await page.getByRole("heading", { name: "Join a session" }).waitFor();
        await page.getByText("This link is cut off").waitFor({ state: "detached" });
        await knock(page, "👩\u200d💻 Pia");
        await page.getByRole("heading", { name: "Tom invites you" }).waitFor();
        await words(page);
        await page.getByText("You are 👩\u200d💻 Pia").waitFor();
        await expect.poll(() => page.locator("li", { hasText: "👩\u200d💻 Pia" }).count()).toBeGreaterThan(0);
        await accept(page, { [SALARY]: "3000" });
        await result(page).getByText("The average salary is 4000.00.").waitFor();
      });
    } finally {
      tom.end();
      await page.close();
    }
  },
);

test(
  "a name that can't be, a code that is wrong and a server that is away end in the form, with what was entered",
  async () => {
    const other = await rendezvous();
    const page = await open(here.contexts[0]!, `${other.url}/4821-apple-river`);
    try {
      await shown({ page }, async () => {
        expect(await page.getByLabel("Link or code").inputValue()).toBe("4821-apple-river");
        expect(new URL(page.url()).pathname, "a code does not stay in the address").toBe("/");
        await page.getByLabel("Your name").fill("An\u200bn");
        await page.getByText("This name has a character that nobody can see.").waitFor();
        await expect.poll(() => button(page, "Join").isDisabled()).toBe(true);
        await page.getByLabel("Your name").fill("李".repeat(22));
        await page.getByText("nobody can see").waitFor({ state: "detached" });
        await button(page, "Join").click();
        await alert(page).waitFor();
        await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("alert");
        expect(await page.getByLabel("Link or code").inputValue()).toBe("4821-apple-river");
        expect(await page.getByLabel("Your name").inputValue()).toBe("李".repeat(22));

        await other.end();
        await button(page, "Try again").click();
        await alert(page).getByText(/answer|reach/).first().waitFor();
        expect(await page.getByLabel("Link or code").inputValue()).toBe("4821-apple-river");
      });
    } finally {
      await page.close();
    }
  },
);

test(
  "a link that opens the host's form with a program; who closes the page has left at once, and of a host that closes it guests are told",
  async () => {
    const [ann, ben] = await Promise.all([open(here.contexts[0]!, `${here.meeting.url}/#host=average_salary&parties=2`), open(here.contexts[1]!, "about:blank")]);
    for (const page of [ann, ben]) page.on("dialog", (dialog) => void dialog.accept());
    try {
      await shown({ ann, ben }, async () => {
        expect(await ann.getByLabel("Average salary").isChecked()).toBe(true);
        expect(await ann.getByLabel("People, you").inputValue()).toBe("2");
        await ann.getByLabel("Your name").fill("Ann");
        await button(ann, "Open the session").click();
        const link = await ann.getByLabel("Link").inputValue();
        await ben.goto(link);
        await knock(ben, "Ben");
        await ben.getByText("You have knocked. Ann sees you and lets you in").waitFor();
        await ann.getByText("wants to come in").waitFor();
        // Nobody has to look at the page all the time.
        await expect.poll(() => ann.evaluate(() => performance.getEntriesByName("huddle-rang").length)).toBeGreaterThan(0);
        let began = performance.now();
        await goodbye(ben);
        await ann.locator("li", { hasText: "Ben" }).getByText("has left").waitFor();
        await ben.close({ runBeforeUnload: true });
        console.log(`a guest who closes the page is gone after ${((performance.now() - began) / 1000).toFixed(1)} s`);

        const again = await open(here.contexts[1]!, link);
        await knock(again, "Ben");
        await again.getByText("You have knocked.").waitFor();
        began = performance.now();
        await ann.close({ runBeforeUnload: true });
        // It can come back (host-returns.test.ts), and this person is told that they wait for it.
        await again.getByText("Ann's connection ended. Waiting for Ann to come back.").waitFor();
        console.log(`a host that closes the page is missed after ${((performance.now() - began) / 1000).toFixed(1)} s`);
        await again.close();
      });
    } finally {
      await Promise.all([ann.close(), ben.close()]);
    }
  },
);

test(
  "who closes the page in mid-run is named at once, not after the grace",
  async () => {
    const program = join(here.home, "asks.py");
    await writeFile(program, 'from mpyc.runtime import mpc\nmpc.run(mpc.start())\ninput("Go on? ")\n');
    const tom = terminal(program);
    const page = await open(here.contexts[0]!, (await tom.events.until("invitation")).url);
    page.on("dialog", (dialog) => void dialog.accept());
    try {
      await shown({ page }, async () => {
        await knock(page, "Pia");
        await words(page);
        await accept(page);
        await asks(page).waitFor();
        const began = performance.now();
        await goodbye(page);
        const failed = await tom.events.until("run", (event) => event.state === "failed");
        console.log(`a page that is closed in mid-run ends it after ${((performance.now() - began) / 1000).toFixed(1)} s`);
        expect(failed).toMatchObject({ whose: "peer", peer: "Pia" });
        expect(failed.reason).toMatch(/left the session/);
      });
    } finally {
      tom.end();
      await page.close();
    }
  },
);

test(
  "a host whose machine dies in the lobby is noticed within seconds",
  async () => {
    const context = here.contexts[2]!;
    const [ann, ben] = await Promise.all([open(context, `${here.meeting.url}/`), open(here.contexts[1]!, "about:blank")]);
    try {
      await shown({ ann, ben }, async () => {
        await ben.goto(await host(ann, "Ann", "Average salary", 2));
        await knock(ben, "Ben");
        await ben.getByText("You have knocked.").waitFor();
        // A machine that dies says no goodbye.
        const began = performance.now();
        const [worker] = ann.workers().filter((one) => /session-worker/.test(one.url()));
        await worker!.evaluate("close()");
        await ben.getByText("Ann is away just now.").waitFor();
        console.log(`a host that is gone is noticed after ${((performance.now() - began) / 1000).toFixed(1)} s`);
      });
    } finally {
      await Promise.all([ann.close(), ben.close()]);
    }
  },
);

test(
  "alone: two made-up people in the same tab, from the first button to the result",
  async () => {
    const page = await open(here.contexts[2]!, `${here.meeting.url}/`);
    try {
      await shown({ page }, async () => {
        await button(page, "How does this work?").click();
        await page.getByRole("dialog", { name: "How this works" }).getByText("Nothing runs before everybody has said yes.").waitFor();
        await page.keyboard.press("Escape");
        await button(page, "Try it alone").click();
        await page.getByLabel("Your name").fill("Zoe");
        await button(page, "Open the session").click();
        await button(page, "Let Ada (made up) in").click();
        await button(page, "Let Bo (made up) in").click();
        await words(page);
        await accept(page, { [SALARY]: "3000" });
        await result(page).getByText(/The average salary is \d+/).waitFor();
        await button(page, "End the session").click();
        await ended(page).waitFor();
      });
    } finally {
      await page.close();
    }
  },
);
