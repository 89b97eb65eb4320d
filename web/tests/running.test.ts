/** A run as its person has it before them: what it asks, what came out, why it failed. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Native } from "./browser";
import { accept, asks, button, knock, open, output, place, result, shown, words } from "./people";

const here = place(2);

async function terminal(source: string, ...options: string[]): Promise<Native> {
  const program = join(here.home, `program${Math.random().toString(36).slice(2)}.py`);
  await writeFile(program, source);
  return new Native(here.home, ["host", "--json", "--open", "-M", "2", "--name", "Tom", "--via", "lo", "--network", "relay", "--rendezvous", here.meeting.url, ...options, program]);
}

const ASKING = `"""Asks three things.

What is revealed: to everybody how long the secret is.
"""
import getpass, sys, time
from mpyc.runtime import mpc
mpc.run(mpc.start())
if mpc.pid == 1:
    sys.stdout.write("before the warning\\n")
    print("a warning", file=sys.stderr)
    pin = getpass.getpass("Your PIN: ")
    bid = int(input("Your bid: "))
    name = input("Your name: ")
    for done in range(0, 101, 10):
        print(f"\\r{done} %", end="")
    print()
    print("| who | points |\\n|---|---|\\n| Pia | 31 |")
    open("plot.svg", "w").write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/><script>parent.document.title="X"</script></svg>')
    open("points.csv", "w").write("who,points\\nPia,31\\n")
    print("The secret has", len(pin), "letters;", bid + 1, name)
mpc.run(mpc.shutdown())
`;

test(
  "the program's question is the label, a secret is not shown, numbers have their keyboard, and the result comes first",
  async () => {
    const tom = await terminal(ASKING);
    const page = await open(here.contexts[0]!, (await tom.events.until("invitation")).url);
    try {
      await shown({ page }, async () => {
        await page.setViewportSize({ width: 1280, height: 800 });
        await knock(page, "Pia");
        await words(page);
        const about = page.getByRole("region", { name: /What you are asked to run/ });
        await about.getByText("What is revealed: to everybody how long the secret is.").waitFor();
        await accept(page);
        const field = page.getByLabel("Your PIN:");
        await field.waitFor();
        expect(await field.getAttribute("type")).toBe("password");
        await field.fill("123456");
        await page.keyboard.press("Enter");
        const bid = page.getByLabel("Your bid:");
        await bid.waitFor();
        expect([await bid.getAttribute("type"), await bid.getAttribute("inputmode")]).toEqual(["text", "numeric"]);
        // Heading, Stop and the line to type are in sight together.
        for (const part of [page.getByRole("heading", { level: 1 }), button(page, "Stop"), bid]) {
          const box = await part.boundingBox();
          expect(box!.y >= 0 && box!.y + box!.height <= 800, JSON.stringify(box)).toBe(true);
        }
        await bid.fill("41");
        await page.keyboard.press("Enter");
        await page.getByLabel("Your name:").fill("Pia");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "You have the result" }).waitFor();
        const came = result(page);
        await came.getByText("The secret has 6 letters; 42 Pia").waitFor();
        await came.getByRole("cell", { name: "Pia" }).first().waitFor();
        await came.getByRole("img", { name: "plot.svg, a picture that the program made" }).waitFor();
        await expect.poll(() => came.getByRole("img").evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
        await came.getByRole("region", { name: "points.csv, a table that the program made" }).waitFor();
        expect(await page.title()).not.toBe("X");
        const text = await came.innerText();
        expect(text).toContain("100 %");
        expect(text).not.toMatch(/\b10 %|MPyC|Your PIN|123456/);
        const all = (await (await output(page)).textContent())!;
        expect(all).not.toContain("123456");
        expect(all.indexOf("before the warning")).toBeLessThan(all.indexOf("a warning"));
        expect(all.indexOf("a warning")).toBeLessThan(all.indexOf("The secret has"));
      });
    } finally {
      tom.end();
      await page.close();
    }
  },
);

const LACKING = `import time
from mpyc.runtime import mpc
mpc.run(mpc.start())
if mpc.pid == 1:
    import nowhere_to_be_had
mpc.run(mpc.output(mpc.input(mpc.SecInt(32)(1))))
`;

test(
  "what a program lacks is said when it is chosen, and when it fails everybody is told why",
  async () => {
    const page = await open(here.contexts[0]!, `${here.meeting.url}/#host=no_such_program`);
    const tom = await terminal(LACKING);
    try {
      await shown({ page }, async () => {
        await page.getByText("There is no program called no_such_program.py here.").waitFor();
        await page.getByLabel("Your own files").check();
        const file = (text: string) => ({ name: "mine.py", mimeType: "text/x-python", buffer: Buffer.from(text) });
        await page.getByLabel("Files of the program").setInputFiles(file("import numpy\nprint(1\n"));
        await page.getByText(/Python can't read it: mine.py, line 2/).waitFor();
        await page.getByLabel("Files of the program").setInputFiles(file("import numpy\n"));
        await page.getByText(/It imports numpy, which people in browsers can't have here/).waitFor();
        expect(page.url(), "nobody was invited").not.toContain("/j");

        await page.goto("about:blank");
        await page.goto((await tom.events.until("invitation")).url);
        await knock(page, "Pia");
        await words(page);
        await accept(page);
        const failed = page.getByRole("alert").filter({ hasText: "The program failed here." });
        await failed.getByText(/No module named 'nowhere_to_be_had'/).waitFor();
        await (await output(page)).getByText(/ModuleNotFoundError/).first().waitFor();
        const there = await tom.events.until("run", (event) => event.state === "failed");
        expect(there).toMatchObject({ whose: "peer", peer: "Pia" });
        expect(there.reason).toContain("the program needs nowhere_to_be_had, which is not there");
      });
    } finally {
      tom.end();
      await page.close();
    }
  },
);

test(
  "who stops a run on purpose is told so, and nothing of it is red",
  async () => {
    const tom = await terminal('from mpyc.runtime import mpc\nmpc.run(mpc.start())\ninput("Go on? ")\n');
    const page = await open(here.contexts[1]!, (await tom.events.until("invitation")).url);
    try {
      await shown({ page }, async () => {
        await knock(page, "Pia");
        await words(page);
        await accept(page);
        await asks(page).waitFor();
        await button(page, "Stop").click();
        await page.getByText("You stopped the run").first().waitFor();
        expect(await page.getByRole("alert").filter({ hasText: /fail/ }).count()).toBe(0);
        expect(await tom.events.until("run", (event) => event.state === "failed")).toMatchObject({ peer: "Pia" });
      });
    } finally {
      tom.end();
      await page.close();
    }
  },
);
