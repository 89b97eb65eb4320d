/** What a runner and its frame may say; anything else is nothing. */
import { expect, test } from "vitest";
import { frameWord, runnerWord } from "../src/core/runner-words";

const bytes = new Uint8Array([1, 2]);

test("what an honest runner says is read", () => {
  expect(runnerWord({ ready: true })).toEqual({ kind: "ready" });
  expect(runnerWord({ failed: "x".repeat(600) })).toEqual({ kind: "failed", reason: "x".repeat(500) });
  expect(runnerWord({ report: "{}" })).toEqual({ kind: "report", text: "{}" });
  expect(runnerWord({ written: { "a/b.txt": bytes } })).toEqual({ kind: "written", files: { "a/b.txt": bytes } });
  expect(runnerWord({ written: JSON.parse('{"__proto__": 1}') as unknown })).toBeUndefined();
  expect(frameWord({ loaded: true })).toEqual({ kind: "loaded" });
  expect(frameWord({ failed: "no memory" })).toEqual({ kind: "failed", reason: "no memory" });
});

const NOTHING: unknown[] = [
  ...[undefined, null, 0, true, "ready", [], [["ready", true]], {}, new Map([["ready", true]]), bytes],
  ...[{ ready: 1 }, { ready: true, report: "{}" }, { ready: true, failed: "x" }, { loaded: true, failed: "" }, { loaded: 1 }],
  ...[{ failed: 1 }, { failed: { toString: "x" } }, { report: 1 }, { report: ["{}"] }, { report: "x".repeat((1 << 16) + 1) }],
  ...[{ written: null }, { written: "a" }, { written: { a: "text" } }, { written: { a: [1] } }, { written: { a: new ArrayBuffer(1) } }],
  ...["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "x".repeat(1_001)].map((path) => ({ written: { [path]: bytes } })),
  { written: Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`f${at}`, bytes])) },
  { written: { a: new Uint8Array(40 << 20), b: new Uint8Array(40 << 20) } },
];

test.each(NOTHING.map((said, at) => [at, said]))("number %i is no word", (_at, said) => {
  expect(runnerWord(said)).toBeUndefined();
  expect(frameWord(said)).toBeUndefined();
});

test("whatever is said, the answer is a word of these kinds or none", () => {
  let seed = 1;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const value = (depth: number): unknown => {
    const leaves = [undefined, null, true, false, 0, -1, "", "x", bytes, Number.NaN];
    const kind = random(depth > 2 ? leaves.length : leaves.length + 4);
    if (kind < leaves.length) return leaves[kind];
    const keys = ["ready", "failed", "report", "written", "loaded", "a/b", ".."];
    return Object.fromEntries(Array.from({ length: random(3) }, () => [keys[random(keys.length)], value(depth + 1)]));
  };
  const kinds = new Set<string>();
  for (let round = 0; round < 20_000; round++) {
    const said = value(0);
    for (const word of [runnerWord(said), frameWord(said)]) if (word) kinds.add(word.kind);
  }
  expect([...kinds].sort()).toEqual(["failed", "loaded", "ready", "report", "written"]);
});
