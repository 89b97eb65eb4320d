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
