/** One session of three kinds of parties: Firefox hosts, Chromium and a terminal join; one page is loaded again in mid-run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, ROOT, launch, rendezvous } from "./browser";
import { FirefoxPerson } from "./firefox";
import { MINUTES, button, knock, needPage, open, output, shown, words } from "./people";

let meeting: { url: string; end: () => Promise<void> };
let chromium: Awaited<ReturnType<typeof launch>>;
let fay: FirefoxPerson;
let home: string;

beforeAll(async () => {
  needPage();
  [meeting, chromium, home] = await Promise.all([rendezvous(), launch(), mkdtemp(join(tmpdir(), "huddle-home-"))]);
  fay = await FirefoxPerson.at(`${meeting.url}/`);
}, MINUTES);

afterAll(async () => {
  await Promise.all([fay.close(), chromium.close()]);
  await meeting.end();
  await rm(home, { recursive: true });
});

const PROGRAM = join(ROOT, "programs/average_salary.py");

/** From Firefox's start page to an open room. */
async function hosts(parties: number): Promise<string> {
  await fay.click("button", "Host a session");
  await fay.click("field", "Average salary");
  await fay.fill("Your name", "Fay");
  await fay.fill("Parties, you", String(parties));
  await fay.click("button", "Open the session");
  const link = await fay.the("field", "Link");
  return link.evaluate((field) => (field as HTMLInputElement).value);
}

test(
  "Firefox, Chromium and a terminal; then Chromium's page is loaded again in mid-run",
  async () => {
    const url = await hosts(3);
    const args = ["join", "--json", "--program", PROGRAM, "--yes", "--name", "Tom", "--via", "lo"];
    const tom = new Native(home, [...args, url, "--", "--salary", "5000"]);
    const cai = await open(chromium.context, url);
    try {
      await shown({ cai }, async () => {
        await knock(cai, "Cai");
        await fay.click("button", "Let Cai in");
        await fay.click("button", "Let Tom in");

        const said = (await tom.events.until("words")).words;
        expect(await words(cai)).toEqual(said);
        expect(await fay.words()).toEqual(said);
        await fay.click("field", "Cai");
        await cai.getByRole("checkbox", { name: "Fay" }).check();
        await fay.click("button", "Accept and run");
        await button(cai, "Accept and run").click();

        await fay.fill("The program waits for your input", "3000");
        await fay.page.keyboard.press("Enter");
        await cai.getByLabel("The program waits for your input").fill("4000");
        await cai.keyboard.press("Enter");
        await fay.sees("Finished");
        await fay.click("button", "Plain text");
        await fay.sees("The average salary is 4000.00.");
        await (await output(cai)).getByText("The average salary is 4000.00.").waitFor();
        await tom.events.until("output", (event) => event.text.includes("4000.00"));

        // Every link between these three is direct, whoever they are.
        await fay.click("tab", "Parties");
        const cards = await fay.sees("RTT");
        console.log(cards);
      });
    } finally {
      tom.end();
      await cai.close();
    }
  },
  MINUTES,
);
