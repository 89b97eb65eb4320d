/** A page in German and one in Dutch: what the session's Python says is in their language too, errors and all. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, ROOT, launch, rendezvous } from "./browser";
import { button, needPage, open, shown, words } from "./people";

let meeting: Awaited<ReturnType<typeof rendezvous>>;
let home: string;

beforeAll(async () => {
  needPage();
  [meeting, home] = await Promise.all([rendezvous(), mkdtemp(join(tmpdir(), "huddle-home-"))]);
});

afterAll(async () => {
  await meeting.end();
  await rm(home, { recursive: true, maxRetries: 10 });
});

test.each([
  {
    ...{ locale: "de-DE", name: "Dein Name", join: "Beitreten", wrong: "Kein Code beginnt mit 4821." },
    ...{ invites: "Tom lädt dich ein", missing: "Hier muss etwas stehen.", threshold: "Der Schwellwert von MPyC ist 0" },
  },
  {
    ...{ locale: "nl-NL", name: "Je naam", join: "Meedoen", wrong: "Geen code begint met 4821." },
    ...{ invites: "Tom nodigt je uit", missing: "Hier moet iets staan.", threshold: "De drempel van MPyC is 0" },
  },
])("$locale: a wrong code, what all are told before the words, and a form's problem", async ({ locale, name, join: joins, wrong, invites, missing, threshold }) => {
  const person = await launch({ locale });
  const tom = new Native(home, ["host", "--json", "--open", "-M", "2", "--name", "Tom", "--via", "lo", "--network", "relay", "--rendezvous", meeting.url, "--private=--salary=5000", join(ROOT, "programs/average_salary.py")]);
  const page = await open(person.context, `${meeting.url}/4821-apple-river`);
  try {
    await shown({ page }, async () => {
      await page.getByLabel(name).fill("Pia");
      await button(page, joins).click();
      await page.getByRole("alert").getByText(wrong).waitFor();
      await page.locator("#invitation").fill((await tom.events.until("invitation")).url);
      await page.locator("form.join button.primary").click();
      await page.getByRole("heading", { name: invites }).waitFor();
      await words(page);
      await page.getByText(threshold).first().waitFor();
      await page.locator(".answers .primary").click();
      await page.getByText(missing).first().waitFor();
      expect(await page.locator("html").getAttribute("lang")).toBe(locale.slice(0, 2));
    });
  } finally {
    tom.end();
    await person.close();
  }
});
