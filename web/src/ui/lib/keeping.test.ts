import "fake-indexeddb/auto";
import { afterEach, expect, test, vi } from "vitest";
import { DEFAULTS, MOST, contacts, forgetIdentity, forgetRun, forgetRuns, forgetSettings, keepContacts, keepRun, keepSettings, pastRuns, settings } from "./keeping";

const run = (entry: string) => ({
  ...{ at: 1, entry, digest: "", args: [], parties: ["Ann"], state: "finished" as const, reason: "", seconds: 1, output: "42\n" },
});

function storage(broken = false): Storage {
  const kept = new Map<string, string>();
  const check = () => {
    if (broken) throw new DOMException("forbidden", "SecurityError");
  };
  return {
    getItem: (key: string) => (check(), kept.get(key) ?? null),
    setItem: (key: string, text: string) => (check(), void kept.set(key, text)),
    removeItem: (key: string) => (check(), void kept.delete(key)),
  } as Storage;
}

afterEach(async () => {
  vi.unstubAllGlobals();
  await forgetRuns();
});

test("runs are kept, the newest first, and forgotten on request", async () => {
  await keepRun(run("one.py"));
  await keepRun(run("two.py"));
  expect((await pastRuns()).map((one) => one.entry)).toEqual(["two.py", "one.py"]);
  await forgetRun((await pastRuns())[0]?.id ?? 0);
  expect((await pastRuns()).map((one) => one.entry)).toEqual(["one.py"]);
  await forgetRuns();
  expect(await pastRuns()).toEqual([]);
});

test("the oldest runs go when there are too many", async () => {
  for (let i = 0; i < MOST + 3; i++) await keepRun(run(`${i}.py`));
  const kept = await pastRuns();
  expect(kept).toHaveLength(MOST);
  expect(kept.at(-1)?.entry).toBe("3.py");
});

test("settings and contacts come back, until they are forgotten", async () => {
  vi.stubGlobal("localStorage", storage());
  expect(settings()).toEqual(DEFAULTS);
  keepSettings({ ...DEFAULTS, name: "Ben", networks: ["relay"] });
  keepContacts("{}");
  expect(settings()).toMatchObject({ name: "Ben", networks: ["relay"] });
  expect(contacts()).toBe("{}");
  forgetSettings();
  await forgetIdentity();
  expect(settings()).toEqual(DEFAULTS);
  expect(contacts()).toBe("");
});

test("a browser that forbids storage, or holds nonsense, gives the defaults", () => {
  vi.stubGlobal("localStorage", storage(true));
  keepSettings({ ...DEFAULTS, name: "Ben" });
  expect(settings()).toEqual(DEFAULTS);
  vi.stubGlobal("localStorage", { ...storage(), getItem: () => "{nonsense" });
  expect(settings()).toEqual(DEFAULTS);
});
