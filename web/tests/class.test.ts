/** A class: one link, which guests in browsers and at terminals open alike, and two groups that know nothing of each other. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Native, people, rendezvous } from "./browser";
import { MINUTES, accept, knock, needPage, open, result, shown, words } from "./people";

const PROGRAM = `from mpyc.runtime import mpc

mpc.run(mpc.start())
print("the sum is", mpc.run(mpc.output(sum(mpc.input(mpc.SecInt()(10))))))
mpc.run(mpc.shutdown())
`;
const NAMES = ["Ada", "Bob", "Cyd", "Dan", "Eve", "Fay"];

test(
  "two groups of three: a page is first in one and second in the other, and each computes with its own",
  async () => {
    needPage();
    const [meeting, chromium, home] = await Promise.all([rendezvous(), people(3), mkdtemp(join(tmpdir(), "huddle-class-"))]);
    await chmod(home, 0o755);
    const [program, names] = [join(home, "sum.py"), join(home, "names.txt")];
    await Promise.all([writeFile(program, PROGRAM), writeFile(names, NAMES.join("\n"))]);
    const relay = ["--via", "lo", "--network", "relay"];
    const tia = new Native(join(home, "tia"), ["host", "--json", "--name", "Tia", "--rendezvous", meeting.url, ...relay, "--groups", "2", "--parties", "3", "--expect", names, program]);
    const natives: Native[] = [tia];
    const pages = await Promise.all(chromium.contexts.map((context) => open(context, "about:blank")));
    const [ada, bob, eve] = pages as [(typeof pages)[0], (typeof pages)[0], (typeof pages)[0]];
    try {
      await shown({ ada, bob, eve }, async () => {
        const { url } = await tia.events.until("invitation");
        const native = (name: string): Native => new Native(join(home, name), ["join", "--json", "--yes", "--program", program, "--name", name, ...relay, url]);
        natives.push(...["Cyd", "Dan", "Fay"].map(native));
        for (const [page, name] of [[ada, "Ada"], [bob, "Bob"], [eve, "Eve"]] as const) {
          await page.goto(url);
          await knock(page, name);
          await page.getByText("You are in. Tia deals everybody to groups").waitFor();
        }
        for (const name of NAMES) await tia.events.until("party", (event) => event.name === name);
        await tia.events.until("question");
        tia.write("all\n");

        const said = await Promise.all(pages.map(words));
        expect(said[0]).toEqual(said[1]);
        expect(said[2]).not.toEqual(said[0]);
        await ada.getByRole("heading", { name: "Your group: 1" }).waitFor();
        await eve.getByRole("heading", { name: "Your group: 2" }).waitFor();
        await expect.poll(() => ada.locator("li strong bdi").allTextContents()).toEqual(["Ada", "Bob", "Cyd"]);
        for (const page of pages) await accept(page);
        for (const page of pages) await result(page).getByText("the sum is 30").waitFor();
        for (const group of [1, 2]) await tia.events.until("group", (event) => event.group === group && event.state === "result");
        expect(tia.events.output).toBe("");
      });
    } finally {
      for (const one of natives) one.end();
      await chromium.close();
      await meeting.end();
      await rm(home, { recursive: true });
    }
  },
  MINUTES,
);
