/** One session of three kinds of parties: Firefox hosts, Chromium and a terminal join; one page is loaded again. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TEMPLATE } from "../src/ui/lib/gallery";
import { Native, launch, rendezvous } from "./browser";
import { COUNTED, directly } from "./direct";
import { FirefoxPerson } from "./firefox";
import { accept, asks, button, knock, needPage, open, output, result, shown, words } from "./people";

let meeting: { url: string; end: () => Promise<void> };
let chromium: Awaited<ReturnType<typeof launch>>;
let fay: FirefoxPerson;
let home: string;
/** Asks for what it needs while it runs. */
let program: string;

beforeAll(async () => {
  needPage();
  [meeting, chromium, home] = await Promise.all([rendezvous(), launch(), mkdtemp(join(tmpdir(), "huddle-home-"))]);
  await chromium.context.addInitScript(COUNTED);
  program = join(home, "program.py");
  await writeFile(program, TEMPLATE);
  fay = await FirefoxPerson.at(`${meeting.url}/`);
});

afterAll(async () => {
  await Promise.all([fay.close(), chromium.close()]);
  await meeting.end();
  await rm(home, { recursive: true, maxRetries: 10 });
});

/** From Firefox's start page to an open room. */
async function hosts(parties: number): Promise<string> {
  await fay.click("button", "Host a session");
  await fay.click("field", "Write one");
  await fay.fill("Your name", "Fay");
  await fay.fill("People, you", String(parties));
  await fay.page.select("#networks", "webrtc");
  await fay.click("button", "Open the session");
  return invitation();
}

/** The link that Firefox shows, once it is another one. */
async function invitation(before = ""): Promise<string> {
  const found = await fay.page.waitForFunction(
    (before) => {
      const label = [...document.querySelectorAll("label")].find((one) => one.textContent?.trim() === "Link");
      const link = (label?.control as HTMLInputElement | undefined)?.value;
      return link && link !== before ? link : undefined;
    },
    { polling: 100 },
    before,
  );
  return (await found.jsonValue()) as string;
}

/** The did on the card of this party, at Firefox. */
async function didOf(name: string): Promise<string> {
  const found = await fay.page.waitForFunction(
    (name) => [...document.querySelectorAll("li")].find((card) => card.querySelector("strong bdi")?.textContent === name)?.querySelector("details code")?.textContent,
    { polling: 100 },
    name,
  );
  return (await found.jsonValue()) as string;
}

test(
  "Firefox hosts Chromium and a terminal; in the second run Chromium's page is loaded again, and comes back as the same person",
  async () => {
    const url = await hosts(3);
    const args = ["join", "--json", "--program", program, "--yes", "--name", "Tom", "--via", "lo", "--network", "webrtc"];
    const tom = new Native(home, [...args, url]);
    const cai = await open(chromium.context, url);
    const warnings: string[] = [];
    let leave = false;
    cai.on("dialog", (dialog) => {
      warnings.push(dialog.type());
      void (leave ? dialog.accept() : dialog.dismiss());
    });
    try {
      await shown({ cai }, async () => {
        await cai.getByText("More settings").click();
        await cai.getByLabel("Networks").selectOption("webrtc");
        await knock(cai, "Cai");
        await fay.click("button", "Let Cai in");
        await fay.click("button", "Let Tom in");

        const said = (await tom.events.until("words")).words;
        await expect.poll(() => words(cai)).toEqual(said);
        await expect.poll(() => fay.words()).toEqual(said);
        await fay.click("field", "Cai");
        await cai.getByRole("checkbox", { name: "Fay" }).check();
        const did = await didOf("Cai");
        await fay.click("button", "Accept and run");
        await accept(cai);

        tom.write("5000\n");
        await fay.fill("Your number", "3000");
        await fay.page.keyboard.press("Enter");
        await asks(cai).fill("4000");
        await cai.keyboard.press("Enter");
        await fay.sees("You have the result");
        await fay.sees("The sum is 12000");
        await result(cai).getByText("The sum is 12000").waitFor(); // what a run shows changes with its end
        await (await output(cai)).getByText("The sum is 12000").waitFor();
        await tom.events.until("output", (event) => event.text.includes("12000"));
        await cai.getByRole("tab", { name: "People" }).click();
        for (const name of ["Fay", "Tom"]) {
          const card = cai.locator("li", { has: cai.getByText(name, { exact: true }) });
          await card.getByText(/webrtc, direct, .*round trip [\d.]+ ms/).waitFor();
        }
        await cai.getByRole("tab", { name: "Stats" }).click();
        await cai.getByText("Linked to Fay (webrtc)").waitFor();

        await fay.click("button", "Run again");
        await button(cai, "Accept and run").click();
        await asks(cai).waitFor();
        // They have their numbers by who knocked first.
        await expect.poll(() => fay.sees(": typing")).toMatch(/(Cai and Tom|Tom and Cai): typing/);
        // The two browsers' frames have a channel, under the policies of a real server; the terminal has none.
        await expect.poll(() => directly(cai)).toBeGreaterThan(1_000);
        // Whoever would leave in mid-run is warned, and stays by saying so.
        await cai.evaluate("location.reload()").catch(() => undefined);
        await expect.poll(() => warnings).toEqual(["beforeunload"]);
        await asks(cai).waitFor();
        leave = true;
        const began = performance.now();
        await cai.reload();
        // It says goodbye as it goes: nobody waits until it is taken for silent.
        const failed = await tom.events.until("run", (event) => event.state === "failed");
        expect(failed.whose).toBe("peer");
        // By itself, or by the host, who may be quicker to call all together anew, and says why.
        expect(`${failed.peer}: ${failed.reason}`).toContain("Cai");
        console.log(`a page that is gone is named after ${((performance.now() - began) / 1000).toFixed(1)} s`);

        // The page that was loaded again says what became of it.
        const told = cai.getByRole("status", { name: "What happened to your session" });
        await told.getByText("with Fay and Tom, while program.py was running").waitFor();
        await told.getByText("your part has ended: the others see you as gone").waitFor();
        // The others keep their seats and wait, for this person or another one, in a room with another link.
        await tom.events.until("restarted", (event) => event.epoch === 0);
        const anew = await invitation(url);
        await button(cai, "I want something else").click();
        await button(cai, "Join a session").click();
        await cai.getByLabel("Link or code").fill(anew);
        await button(cai, "Join").click();
        await fay.click("button", "Let Cai in");
        expect(await didOf("Cai"), "the key is still the one of this browser").toBe(did);
        const anothers = await words(cai);
        expect(anothers).not.toEqual(said);
        await expect.poll(() => fay.words()).toEqual(anothers);
      });
    } finally {
      tom.end();
      await cai.close();
    }
  },
);
