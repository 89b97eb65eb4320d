/** After the start a tab dies: on the page, too, those who are left stay, the host lets somebody else in, and all goes on. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { people, rendezvous } from "./browser";
import { accept, asks, button, crash, hiddenWords, knock, needPage, open, result, sameWords, shown, words } from "./people";

let meeting: Awaited<ReturnType<typeof rendezvous>>;
let chromium: Awaited<ReturnType<typeof people>>;

beforeAll(async () => {
  needPage();
  [meeting, chromium] = await Promise.all([rendezvous(), people(4)]);
});

afterAll(async () => {
  await chromium.close();
  await meeting.end();
});

const ASKING = `from mpyc.runtime import mpc
secint = mpc.SecInt()
mpc.run(mpc.start())
number = int(input("Your number? "))
print("Together", mpc.run(mpc.output(mpc.sum(mpc.input(secint(number))))))
mpc.run(mpc.shutdown())
`;

/** Pictures for the eye, where a directory for them is named. */
async function look(name: string, page: Page): Promise<void> {
  const directory = process.env["HUDDLE_PICTURES"];
  if (!directory) return;
  const before = page.viewportSize()!;
  for (const [width, height] of [[1280, 800], [844, 390], [320, 640]] as const) {
    await page.setViewportSize({ width, height });
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: `${directory}/${name}-${width}.png`, fullPage: width === 320 });
  }
  await page.setViewportSize(before);
}

test(
  "a guest's tab dies in the middle of a run, and somebody else takes the place",
  async () => {
    const [ann, ben, cyd, dora] = await Promise.all(chromium.contexts.map((context) => open(context, `${meeting.url}/`)));
    await shown({ ann: ann!, cyd: cyd!, dora: dora! }, async () => {
      await button(ann!, "Host a session").click();
      await ann!.getByLabel("Your own files").check();
      await ann!.getByLabel("Files of the program").setInputFiles({ name: "prog.py", mimeType: "text/x-python", buffer: Buffer.from(ASKING) });
      await ann!.getByLabel("Your name").fill("Ann");
      await button(ann!, "Open the session").click();
      const first = await ann!.getByLabel("Link").inputValue();
      for (const [page, name] of [[ben!, "Ben"], [cyd!, "Cyd"]] as const) {
        await page.goto(first);
        await knock(page, name);
        await button(ann!, `Let ${name} in`).click();
      }
      const before = await words(cyd!);
      for (const page of [ann!, ben!, cyd!]) await accept(page);
      for (const page of [ann!, ben!, cyd!]) await asks(page).waitFor();
      await crash(ben!);

      // Who is left is told what happened, and has nothing to do but to wait.
      await ann!.getByRole("heading", { name: "Your session" }).waitFor();
      await look("host-lost", ann!);
      await cyd!.getByRole("heading", { name: "Ann invites you" }).waitFor();
      await look("guest-lost", cyd!);
      await ann!.getByText(/Ben/).first().waitFor(); // who was lost is named
      const link = ann!.getByLabel("Link");
      await expect.poll(() => link.inputValue()).not.toBe(first);
      await dora!.goto(await link.inputValue());
      await knock(dora!, "Dora");
      await button(ann!, "Let Dora in").waitFor();
      await look("host-door", ann!);
      await button(ann!, "Let Dora in").click();
      expect(await words(cyd!)).not.toEqual(before);
      await sameWords(ann!, cyd!, dora!);
      // What has happened is told beside the words, and takes nothing of their place.
      await expect.poll(() => ann!.getByText(/Ben was lost/).count()).toBeGreaterThan(0);
      for (const page of [ann!, cyd!, dora!]) expect(await hiddenWords(page)).toEqual([]);
      await look("host-words", ann!);
      await look("guest-words", cyd!);
      for (const page of [ann!, cyd!, dora!]) await accept(page);
      for (const [page, number] of [[ann!, "1"], [cyd!, "20"], [dora!, "300"]] as const) {
        await asks(page).fill(number);
        await page.keyboard.press("Enter");
      }
      for (const page of [ann!, cyd!, dora!]) await result(page).getByText("Together 321").waitFor();
      await look("host-result", ann!);
      await look("guest-result", cyd!);
      // Nothing of the run that was cut short stands beside the one that went well.
      expect(await cyd!.getByLabel("Run", { exact: true }).count()).toBe(0);
    });
    await Promise.all([ann, cyd, dora].map((page) => page!.close()));
  },
);
