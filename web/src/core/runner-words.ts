/**
 * What a runner's worker and its frame may say, read strictly: the word of a stranger's program.
 *
 *   worker -> session worker   { ready: true }            once, before anything else
 *                              { failed: text }           it can't go on
 *                              { report: text }           see huddle/running/reports.py, which reads it
 *                              { written: {path: bytes} } once at the most, what the program leaves behind
 *   frame -> page              { loaded: true } | { failed: text }
 *
 * Anything else is undefined here, and whoever hears it ends the runner.
 */

/** Bytes of a report: as LONGEST in huddle/running/reports.py. */
const LONGEST_REPORT = 1 << 16;
/** Characters of why something failed, which stands on the person's screen. */
const LONGEST_REASON = 500;
/** Of what a program leaves behind, which the page keeps in memory. */
const MOST_FILES = 1_000;
const MOST_BYTES = 64 << 20;
const LONGEST_PATH = 1_000;

export type RunnerWord =
  | { kind: "ready" }
  | { kind: "failed"; reason: string }
  | { kind: "report"; text: string }
  | { kind: "written"; files: Record<string, Uint8Array> };

export type FrameWord = { kind: "loaded" } | { kind: "failed"; reason: string };

export function runnerWord(said: unknown): RunnerWord | undefined {
  const [key, value] = only(said);
  switch (key) {
    case "ready":
      return value === true ? { kind: "ready" } : undefined;
    case "failed":
      return typeof value === "string" ? { kind: "failed", reason: value.slice(0, LONGEST_REASON) } : undefined;
    case "report":
      return typeof value === "string" && value.length <= LONGEST_REPORT ? { kind: "report", text: value } : undefined;
    case "written": {
      const files = filesIn(value);
      return files && { kind: "written", files };
    }
    default:
      return undefined;
  }
}

export function frameWord(said: unknown): FrameWord | undefined {
  const [key, value] = only(said);
  if (key === "loaded" && value === true) return { kind: "loaded" };
  if (key === "failed" && typeof value === "string") return { kind: "failed", reason: value.slice(0, LONGEST_REASON) };
  return undefined;
}

/** The one entry of a plain object. */
function only(said: unknown): [string, unknown] | [undefined, undefined] {
  if (typeof said !== "object" || said === null || Array.isArray(said)) return [undefined, undefined];
  const entries = Object.entries(said);
  return entries.length === 1 ? entries[0]! : [undefined, undefined];
}

/** Files below the program's directory, where they are not too much. */
function filesIn(value: unknown): Record<string, Uint8Array> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const entries = Object.entries(value);
  if (entries.length > MOST_FILES) return undefined;
  let size = 0;
  const files: Record<string, Uint8Array> = Object.create(null);
  for (const [path, data] of entries) {
    if (!(data instanceof Uint8Array) || !isBelow(path)) return undefined;
    size += data.length;
    if (size > MOST_BYTES) return undefined;
    files[path] = data;
  }
  return files;
}

function isBelow(path: string): boolean {
  return path.length <= LONGEST_PATH && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
