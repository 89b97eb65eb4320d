import { expect, test } from "vitest";
import type { Run } from "./model";
import { KEPT, append, plain, prompt, readable, said, since } from "./output";

const empty = { output: [], length: 0 } as unknown as Run;
const feed = (...pieces: string[]) => pieces.reduce((run, piece) => append(run, "stdout", piece), empty);

test("small pieces are joined, streams kept apart", () => {
  const run = append(append(feed("a", "b"), "stderr", "c"), "stdout", "d");
  expect(run.output.map(({ stream, text }) => [stream, text])).toEqual([
    ["stdout", "ab"],
    ["stderr", "c"],
    ["stdout", "d"],
  ]);
  expect(run.length).toBe(4);
});

test("a screen that is told what is new misses nothing and gets nothing twice", () => {
  let run = empty;
  let shown = "";
  for (let i = 0; i < 500; i++) {
    run = append(run, i % 7 === 0 ? "stderr" : "stdout", `${i} `.repeat(40));
    if (i % 3 === 0) shown += plain(since(run.output, shown.length));
  }
  shown += plain(since(run.output, shown.length));
  expect(shown).toBe(plain(run.output));
});

test("of output without end the last part is kept", () => {
  let run = empty;
  const piece = "x".repeat(100_000);
  for (let i = 0; i < 50; i++) run = append(run, "stdout", piece);
  expect(run.length).toBe(5_000_000);
  expect(plain(run.output).length).toBeLessThanOrEqual(KEPT + piece.length);
  expect(since(run.output, 0)[0]?.at).toBe(run.length - plain(run.output).length);
});

test.each([
  ["10 %\r50 %\r100 %\n", "100 %\n"],
  ["long line\rshort", "shortline"],
  ["long line\r\x1b[Kshort", "short"],
  ["a\r\nb", "a\nb"],
  ["\x1b[31mred\x1b[0m", "red"],
  ["|\b/\b-", "-"],
  ["\x1b]0;title\x07text", "text"],
])("%j reads %j", (text, shown) => {
  expect(readable(text)).toBe(shown);
});

test("the result is what the program printed, without its log, its questions and what was typed", () => {
  let run = append(empty, "stderr", "2026 Start MPyC runtime\n");
  run = append(run, "stdout", "2026-11-28 13:20:17,383 Start MPyC runtime v0.11\nHello\nYour salary: ");
  expect(prompt(run.output)).toBe("Your salary:");
  run = append(run, "typed", "3100\n");
  expect(prompt(run.output)).toBe("");
  run = append(run, "stdout", "The average is 3.\n");
  expect(said(run.output)).toBe("Hello\nThe average is 3.");
});
