import { expect, test } from "vitest";
import type { Decision, SessionEvent } from "../../core/protocol";
import { fresh, type View } from "./model";
import { reduce } from "./reduce";
import { MOST, awaited, chatted, outcome } from "./spoken";

const after = (view: View, ...steps: (SessionEvent | Decision)[]): View =>
  steps.reduce((now, step) => reduce(now, "do" in step ? { decision: step } : { event: step }, 5000), view);
const run = (state: "started" | "finished" | "failed", number = 1): SessionEvent => ({
  ...{ event: "run", run: number, state, seconds: 2, whose: "", peer: "", reason: "", hint: "" },
});
const wrote = (text: string, number = 1): SessionEvent => ({ event: "output", stream: "stdout", text, run: number });
const sealed = after({ ...fresh(0), role: "host" }, { event: "sealed", digest: "00", pid: 0, parties: [] });

test("the result is told once it is there, and each run's by itself", () => {
  const running = after(sealed, run("started"), wrote("The sum is 42.\n"));
  expect([outcome(running), awaited(running)]).toEqual(["", ""]);
  const first = after(running, run("finished"), { event: "question", what: "again", name: "", did: "" });
  expect(outcome(first)).toBe("You have the result. Run 1 took 2.00 s. The sum is 42.");
  expect(awaited(first)).toBe("What next?");
  const second = after(first, { do: "again" }, run("started", 2), wrote("The sum is 42.\n", 2), run("finished", 2));
  expect(outcome(second)).not.toBe(outcome(first));
});

test("a long result is not read to its end, and a failure is told elsewhere", () => {
  expect(outcome(after(sealed, run("started"), wrote("x".repeat(5000)), run("finished"))).length).toBeLessThan(MOST + 100);
  expect(outcome(after(sealed, run("started"), wrote("x"), run("failed")))).toBe("");
});

test("what others say is told, and not what one says oneself", () => {
  const me = after(sealed, { event: "party", name: "Me", did: "did:key:me", state: "admitted", standing: "self", pid: 0, detail: "" });
  const asked = after(me, { event: "chat", name: "Ann", text: "ready?" }, { do: "say", text: "yes" });
  expect(chatted(asked)).toBe("Ann: ready?");
});
