/** A class: one link, which guests in browsers and at terminals open alike; groups know nothing of each other, and one that loses somebody is dealt again. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Native, people, rendezvous } from "./browser";
import { accept, asks, crash, knock, needPage, open, result, shown, words } from "./people";

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
      await rm(home, { recursive: true, maxRetries: 10 });
    }
  },
);

const ASKING = `from mpyc.runtime import mpc

secint = mpc.SecInt()
mpc.run(mpc.start())
number = int(input("Your number? "))
print("Together", mpc.run(mpc.output(mpc.sum(mpc.input(secint(number))))))
mpc.run(mpc.shutdown())
`;

/** Four pages, and a teacher who deals three of them to one group at a time. */
async function classroom(source: string, steps: (room: Classroom) => Promise<void>): Promise<void> {
  needPage();
  const [meeting, chromium, home] = await Promise.all([rendezvous(), people(4), mkdtemp(join(tmpdir(), "huddle-class-"))]);
  await chmod(home, 0o755);
  const program = join(home, "prog.py");
  await writeFile(program, source);
  const options = ["--rendezvous", meeting.url, "--via", "lo", "--network", "relay", "--groups", "1", "--parties", "3"];
  const tia = new Native(join(home, "tia"), ["host", "--json", "--name", "Tia", ...options, program]);
  const pages = await Promise.all(chromium.contexts.map((context) => open(context, "about:blank")));
  const names = ["Ada", "Bob", "Cyd", "Dan"] as const;
  const guests = Object.fromEntries(names.map((name, i) => [name, pages[i]!])) as Classroom["guests"];
  try {
    const { url } = await tia.events.until("invitation");
    await shown(guests, () => steps(new Classroom(tia, url, guests)));
  } finally {
    tia.end();
    await chromium.close();
    await meeting.end();
    await rm(home, { recursive: true, maxRetries: 10 });
  }
}

class Classroom {
  private deals = 0;

  constructor(
    private readonly tia: Native,
    private readonly url: string,
    readonly guests: Record<"Ada" | "Bob" | "Cyd" | "Dan", Page>,
  ) {}

  async comes(name: keyof Classroom["guests"]): Promise<void> {
    const page = this.guests[name];
    await page.goto(this.url);
    await knock(page, name);
    await page.getByText("You are in. Tia deals everybody to groups").waitFor();
    await this.tia.events.until("party", (event) => event.name === name);
  }

  /** Deals who is there; their pages have the same words then. */
  async deal(...names: (keyof Classroom["guests"])[]): Promise<string[]> {
    this.deals++;
    const asked = (): number => this.tia.events.all.filter((event) => event.event === "question" && (event.what as string) === "deal").length;
    await expect.poll(asked).toBeGreaterThanOrEqual(this.deals);
    this.tia.write("all\n");
    const pages = names.map((name) => this.guests[name]);
    for (const page of pages) await page.getByRole("heading", { name: "Your group: 1" }).waitFor();
    const said = await Promise.all(pages.map(words));
    for (const one of said) expect(one).toEqual(said[0]);
    for (const page of pages) await expect.poll(() => page.locator("li strong bdi").allTextContents()).toEqual(names);
    return said[0]!;
  }

  /** Who has lost somebody is told what happened, and has nothing to do but to wait. */
  async waitsAgain(...names: (keyof Classroom["guests"])[]): Promise<void> {
    for (const name of names) {
      const page = this.guests[name];
      await page.getByText("You are still in the class, and wait until its host deals the groups again.").waitFor();
      await page.getByText("You are in. Tia deals everybody to groups").waitFor();
      await page.getByRole("heading", { name: "Your group" }).waitFor({ state: "detached" });
      expect(await page.locator(".words").count(), "words that count no more").toBe(0);
      await this.tia.events.until("party", (event) => event.name === name && event.detail.startsWith("back from group 1"));
    }
  }
}

test(
  "a tab dies after the deal: the others stay in the class, and are dealt again with somebody who comes",
  async () => {
    await classroom(PROGRAM, async (room) => {
      const { Ada, Bob, Cyd, Dan } = room.guests;
      for (const name of ["Ada", "Bob", "Cyd"] as const) await room.comes(name);
      const before = await room.deal("Ada", "Bob", "Cyd");
      await accept(Ada);
      await crash(Cyd);
      await room.waitsAgain("Ada", "Bob");
      await room.comes("Dan");
      expect(await room.deal("Ada", "Bob", "Dan")).not.toEqual(before);
      // What was said yes to before counts no more.
      for (const page of [Ada, Bob, Dan]) await accept(page);
      for (const page of [Ada, Bob, Dan]) await result(page).getByText("the sum is 30").waitFor();
    });
  },
);

test(
  "a tab that is closed while it runs, of the first of the group: the others are dealt again, and run it with somebody who waits",
  async () => {
    await classroom(ASKING, async (room) => {
      const { Ada, Bob, Cyd, Dan } = room.guests;
      for (const name of ["Ada", "Bob", "Cyd", "Dan"] as const) await room.comes(name);
      await room.deal("Ada", "Bob", "Cyd");
      for (const page of [Ada, Bob, Cyd]) await accept(page);
      for (const page of [Ada, Bob, Cyd]) await asks(page).waitFor();
      Ada.on("dialog", (dialog) => void dialog.accept());
      await Ada.close({ runBeforeUnload: true });
      await room.waitsAgain("Bob", "Cyd");
      await room.deal("Bob", "Cyd", "Dan");
      for (const page of [Bob, Cyd, Dan]) await accept(page);
      for (const [page, number] of [[Bob, "1"], [Cyd, "20"], [Dan, "300"]] as const) {
        await asks(page).fill(number);
        await page.keyboard.press("Enter");
      }
      for (const page of [Bob, Cyd, Dan]) await result(page).getByText("Together 321").waitFor();
      expect(await Cyd.getByLabel("Run", { exact: true }).count(), "the run that was cut short").toBe(0);
    });
  },
);
