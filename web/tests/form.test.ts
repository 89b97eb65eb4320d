/** What programs ask of people by their forms, and what comes out of them as tables and pictures. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { people, rendezvous } from "./browser";
import { SALARY, accept, button, host, knock, needPage, open, result, shown, words } from "./people";
import { Terminal } from "./terminal";

let meeting: Awaited<ReturnType<typeof rendezvous>>;
let chromium: Awaited<ReturnType<typeof people>>;

beforeAll(async () => {
  needPage();
  [meeting, chromium] = await Promise.all([rendezvous(), people(2)]);
});

afterAll(async () => {
  await chromium.close();
  await meeting.end();
});

/** Two people in one session of this program, up to the words; `prepare` fills in what the host gives for all. */
async function two(program: string, prepare: (ann: Page) => Promise<void> = async () => undefined): Promise<{ ann: Page; ben: Page }> {
  const [ann, ben] = await Promise.all([open(chromium.contexts[0]!, `${meeting.url}/#host=${program}&parties=2`), open(chromium.contexts[1]!, "about:blank")]);
  await ann.getByLabel("Your name").fill("Ann");
  await prepare(ann);
  await button(ann, "Open the session").click();
  await ben.goto(await ann.getByLabel("Link").inputValue());
  await knock(ben, "Ben");
  await button(ann, "Let Ben in").click();
  await Promise.all([words(ann), words(ben)]);
  return { ann, ben };
}

test(
  "the host says the groups for all, each gives their own, and what is wrong is said before anything starts",
  async () => {
    const { ann, ben } = await two("survey", async (ann) => {
      const groups = ann.getByLabel("The groups, with commas between them");
      await expect.poll(() => groups.inputValue()).toBe("students,staff");
      await ann.getByText("everybody sees it").waitFor();
      await groups.fill("");
      await groups.fill("cats,dogs");
    });
    await shown({ ann, ben }, async () => {
      await ben.getByText("--groups=cats,dogs").waitFor();
      await expect.poll(() => ben.getByText("stays on this device").count()).toBe(2);
      await ben.getByLabel("Your answer").fill("6");
      await ben.getByLabel("Your group", { exact: true }).focus();
      await ben.getByText("At most 5.").waitFor();
      await button(ben, "Accept and run").click();
      await ben.getByText("Something has to be given here.").waitFor();
      await ben.getByRole("alert").getByText("Something is missing").waitFor();
      await expect.poll(() => ben.evaluate(() => document.activeElement?.getAttribute("aria-invalid"))).toBe("true");
      await ben.getByLabel("Your group", { exact: true }).fill("dogs");
      // Who is quick is not held up by what was wrong before: the session has not yet looked at the new answer.
      await ben.getByLabel("Your answer").evaluate(async (field: HTMLInputElement) => {
        field.value = "2";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
        [...document.querySelectorAll("button")].find((one) => one.textContent === "Accept and run")!.click();
      });
      await button(ben, "Run without comparing").click();
      await accept(ann, { "Your group": "dogs", "Your answer": "5" });
      for (const page of [ann, ben]) await result(page).getByText(/dogs/).first().waitFor();
      // Another run begins with what was given before.
      await button(ann, "Run again").click();
      await expect.poll(() => ben.getByLabel("Your answer").inputValue()).toBe("2");
    });
    await Promise.all([ann.close(), ben.close()]);
  },
);

test(
  "each gives a table as a file, and the result is a table",
  async () => {
    const { ann, ben } = await two("linear_regression");
    const rows = { ann: "1,3\n2,5\n", ben: "3,7\n5,11\n" };
    await shown({ ann, ben }, async () => {
      for (const [page, text] of [[ann, rows.ann], [ben, rows.ben]] as const)
        await page.getByLabel("Your table").setInputFiles({ name: "mine.csv", mimeType: "text/csv", buffer: Buffer.from(`size,price\n${text}`) });
      await ben.getByText("Chosen: mine.csv").waitFor();
      for (const page of [ann, ben]) await accept(page);
      for (const page of [ann, ben]) {
        const table = result(page).getByRole("table");
        await table.getByRole("cell", { name: "size" }).waitFor();
        expect(await table.innerText()).toMatch(/\(constant\)\s+1\s+size\s+2/);
      }
    });
    await Promise.all([ann.close(), ben.close()]);
  },
);

/** Writes a picture of each kind and a table, as a program does that has a chart to show. */
const PICTURES = `import struct, zlib
from mpyc.runtime import mpc

mpc.run(mpc.start())
def part(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
open("bars.svg", "w").write('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="teal"/></svg>')
image = part(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 0)) + part(b"IDAT", zlib.compress(bytes(4) * 2)) + part(b"IEND", b"")
open("dots.png", "wb").write(b"\\x89PNG\\r\\n\\x1a\\n" + image)
open("rows.csv", "w").write("town,people\\nSneek,34000\\n")
print("three files")
mpc.run(mpc.shutdown())
`;

test(
  "an SVG, a PNG and a CSV that the program wrote are shown beside what it said",
  async () => {
    const [ann, ben] = await Promise.all([open(chromium.contexts[0]!, meeting.url), open(chromium.contexts[1]!, "about:blank")]);
    await shown({ ann, ben }, async () => {
      await button(ann, "Host a session").click();
      await ann.getByLabel("Your own files").check();
      await ann.getByLabel("Files of the program").setInputFiles({ name: "pictures.py", mimeType: "text/x-python", buffer: Buffer.from(PICTURES) });
      await ann.getByLabel("Your name").fill("Ann");
      await ann.getByLabel("People, you").fill("2");
      await button(ann, "Open the session").click();
      await ben.goto(await ann.getByLabel("Link").inputValue());
      await knock(ben, "Ben");
      await button(ann, "Let Ben in").click();
      await Promise.all([words(ann), words(ben)]);
      await accept(ann);
      await accept(ben);
      for (const page of [ann, ben]) {
        await result(page).getByText("three files").waitFor();
        for (const [name, width] of [["bars.svg", 40], ["dots.png", 3]] as const) {
          const picture = result(page).getByRole("img", { name: new RegExp(name.replace(".", "\\.")) });
          await picture.waitFor();
          await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth), { message: name }).toBe(width);
        }
        await result(page).getByRole("figure").filter({ hasText: "rows.csv" }).getByRole("cell", { name: "34000" }).waitFor();
      }
    });
    await Promise.all([ann.close(), ben.close()]);
  },
);

test(
  "a page hosts, and a guest at a terminal fills in the program's form there",
  async () => {
    const home = await mkdtemp(join(tmpdir(), "huddle-home-"));
    const ann = await open(chromium.contexts[0]!, meeting.url);
    let tom: Terminal | undefined;
    try {
      await shown({ ann }, async () => {
        tom = new Terminal(home, "join", "--name", "Tom", "--via", "lo", "--network", "relay", await host(ann, "Ann", "Average salary", 2));
        await button(ann, "Let Tom in").click();
        await words(ann);
        await accept(ann, { [SALARY]: "3000" });
        await tom.wait(/Whom did you hear say these words/);
        tom.type("nobody");
        await tom.wait(/Your salary a month/);
        tom.type("a lot");
        await tom.wait(/A number, please/);
        tom.type("4000");
        await tom.wait(/The average salary is 3500\.00\./);
        await result(ann).getByText("The average salary is 3500.00.").waitFor();
      });
    } finally {
      tom?.end();
      await ann.close();
      await rm(home, { recursive: true, maxRetries: 10 });
    }
  },
);
