/**
 * What a run wrote, kept within bounds: small pieces are joined, the oldest are dropped.
 * Invariant: chunks follow each other without a gap, and the last one ends at `length`.
 */
import type { Chunk, Run } from "./model";

/** Joining up to this size keeps the list short without copying much for every piece. */
const CHUNK = 4096;
/** A program that prints without end must not take the page's memory. */
export const KEPT = 2_000_000;

export function append(run: Run, stream: Chunk["stream"], text: string): Run {
  if (text === "") return run;
  const output = [...run.output];
  const last = output.at(-1);
  if (last && last.stream === stream && last.text.length + text.length <= CHUNK) {
    output[output.length - 1] = { ...last, text: last.text + text };
  } else {
    output.push({ at: run.length, stream, text });
  }
  const length = run.length + text.length;
  let first = output[0];
  while (output.length > 1 && first && length - first.at > KEPT) {
    output.shift();
    first = output[0];
  }
  return { ...run, output, length };
}

/** The pieces from position `from` on; where that is dropped already, from the first that is kept. */
export function since(output: readonly Chunk[], from: number): Chunk[] {
  const later: Chunk[] = [];
  for (let i = output.length - 1; i >= 0; i--) {
    const chunk = output[i];
    if (!chunk || chunk.at + chunk.text.length <= from) break;
    const skip = Math.max(0, from - chunk.at);
    later.unshift({ ...chunk, at: chunk.at + skip, text: chunk.text.slice(skip) });
  }
  return later;
}

/** What may be kept: lines that a person typed are their private inputs. */
export function withoutTyped(output: readonly Chunk[]): string {
  return output.map((chunk) => (chunk.stream === "typed" ? "\n" : chunk.text)).join("");
}

export function plain(output: readonly Chunk[]): string {
  return output.map((chunk) => chunk.text).join("");
}

/** Colours and movements mean nothing in plain text: what a program writes to a terminal, whole or cut off. */
const ESCAPES = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[@-Z\\-_]/g;
/** What takes away a line, or the rest of it. */
const ERASES = /\x1b\[[02]?K/;

/** What a terminal would show of a text, as plain lines: a progress bar has its last state. */
export function readable(text: string): string {
  return text.replaceAll("\r\n", "\n").split("\n").map(settled).join("\n");
}

function settled(line: string): string {
  if (!line.includes("\r") && !line.includes("\b") && !line.includes("\x1b")) return line;
  let shown = "";
  for (const part of line.split("\r")) {
    const [before, ...after] = part.split(ERASES);
    const over = (written: string): string => {
      let text = "";
      for (const character of written.replace(ESCAPES, "")) text = character === "\b" ? text.slice(0, -1) : text + character;
      return text;
    };
    const written = over(before ?? "");
    // What stood further right stays, unless it was erased.
    shown = after.length > 0 ? written + after.map(over).join("") : written + shown.slice(written.length);
  }
  return shown;
}

/** MPyC's own lines, which it prints among the program's. */
const LOG = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} .*\n?/gm;

/** What the program itself said to its person: its standard output without MPyC's log and questions that were answered. */
export function said(output: readonly Chunk[]): string {
  let text = "";
  for (const { stream, text: piece } of output) {
    if (stream === "stdout") text += piece;
    else if (stream === "typed") text = text.slice(0, text.lastIndexOf("\n") + 1);
  }
  return readable(text).replace(LOG, "").replace(/^\s*\n|\s+$/g, "");
}

/** What the program asks just now: what stands at the end of its output, on a line of its own. */
export function prompt(output: readonly Chunk[]): string {
  let text = "";
  for (let i = output.length - 1; i >= 0 && !text.includes("\n"); i--) {
    const chunk = output[i]!;
    if (chunk.stream === "typed") break;
    if (chunk.stream === "stdout") text = chunk.text + text;
  }
  return readable(text.slice(text.lastIndexOf("\n") + 1)).trim();
}
