/** WebKit, Safari's engine, as a guest and as a host beside terminals, by `relay`. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, ROOT, rendezvous } from "./browser";
import { SALARY, needPage } from "./people";
import { WebKitPerson, installed } from "./webkit";

const PROGRAM = join(ROOT, "programs/average_salary.py");

let meeting: { url: string; end: () => Promise<void> };
let home: string;
let kit: WebKitPerson;

beforeAll(async () => {
  if (!installed) return;
  needPage();
  home = await mkdtemp(join(tmpdir(), "huddle-home-"));
  meeting = await rendezvous();
  kit = await WebKitPerson.at(`${meeting.url}/`);
  console.log(`WebKit ${kit.version}`);
});

afterAll(async () => {
  await kit?.close();
  await meeting?.end();
  if (home) await rm(home, { recursive: true, maxRetries: 10 });
});

/** What the page shows when something is not as it should be. */
async function shown(name: string, play: () => Promise<void>): Promise<void> {
  try {
    await play();
  } catch (error) {
    const path = join(tmpdir(), `huddle-webkit-${name}.png`);
    await writeFile(path, await kit.screenshot());
    console.log(`the screen: ${path}`);
    throw error;
  }
}

const common = ["--json", "--name", "Tom", "--network", "relay"];

async function accepts(): Promise<void> {
  await kit.fill(SALARY, "3000");
  await kit.click("Accept and run");
  await kit.click("Run without comparing");
}

test.runIf(installed)(
  "a guest in WebKit sees the same words, answers the program and has the result",
  () =>
    shown("guest", async () => {
      const tom = new Native(home, ["host", ...common, "--open", "--yes", "--rendezvous", meeting.url, "-M", "2", PROGRAM]);
      try {
        await kit.goto((await tom.events.until("invitation")).url);
        const began = performance.now();
        await kit.fill("Your name", "Saf");
        await kit.click("Join");
        expect(await kit.words()).toEqual((await tom.events.until("words")).words);
        console.log(`from the link to the words: ${((performance.now() - began) / 1000).toFixed(1)} s`);
        await accepts();
        await tom.events.until("input", (event) => event.waiting);
        tom.write("5000\n");
        await kit.sees("The average salary is 4000.00.");
        await tom.events.until("output", (event) => event.text.includes("4000.00"));
        await tom.events.until("ended");
      } finally {
        tom.end();
      }
    }),
);

test.runIf(installed)(
  "a host in WebKit on a narrow screen; the page that is loaded again says goodbye to the others",
  () =>
    shown("host", async () => {
      await kit.goto(`${meeting.url}/`);
      const width = await kit.resize(390, 844);
      await kit.click("Host a session");
      await kit.check("Average salary");
      await kit.fill("Your name", "Saf");
      await kit.fill("People, you", "2");
      await kit.click("Open the session");
      const link = await kit.value("Link");
      const tom = new Native(home, ["join", ...common, "--program", PROGRAM, "--yes", link]);
      try {
        await kit.click("Let Tom in");
        expect(await kit.words()).toEqual((await tom.events.until("words")).words);
        expect(await kit.run("return document.documentElement.scrollWidth"), "nothing is wider than the screen").toBeLessThanOrEqual(width);
        await accepts();
        await tom.events.until("input", (event) => event.waiting);
        await kit.reload();
        expect(await tom.events.until("run", (event) => event.state === "failed")).toMatchObject({ whose: "peer", peer: "Saf" });
        await kit.sees("your part has ended: the others see you as gone");
      } finally {
        tom.end();
      }
    }),
);
