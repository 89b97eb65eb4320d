/** Text for people: what strangers wrote is made harmless, sizes and times are made readable. */
import { t } from "../texts";
import { NEEDED } from "./names";

/** Controls, format and private characters, separators of lines, and signs that nobody can see. */
const HIDDEN =
  /[\p{C}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** Signs that a name's script or picture needs, which hide nothing. */
const needed = new RegExp(NEEDED, "gu");

/** A name, path, argument or message of a stranger, in which nothing hides and nothing turns the line around. */
export function clean(text: string): string {
  const kept = new Set([...text.matchAll(needed)].map((found) => found.index));
  return text.replace(HIDDEN, (character, at: number) => (kept.has(at) ? character : escaped(character)));
}

/** The same for text of several lines. */
export function cleanLines(text: string): string {
  return text.replace(HIDDEN, (character) => (character === "\n" || character === "\t" ? character : escaped(character)));
}

/** The last lines of a text, by their numbers: who hears them line by line hears each once. */
export function lastLines(text: string, most: number): { text: string; number: number }[] {
  return cleanLines(text)
    .split("\n")
    .map((line, number) => ({ text: line, number }))
    .slice(-most);
}

export function size(bytes: number): string {
  let count = bytes;
  for (const unit of ["B", "KiB", "MiB"]) {
    if (count < 1024) return `${unit === "B" || count >= 100 ? Math.round(count) : count.toFixed(1)} ${unit}`;
    count /= 1024;
  }
  return `${count.toFixed(1)} GiB`;
}

export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/** A count for a chart: 950, 1.2 k, 34 M. */
export function count(value: number): string {
  if (value < 10 && !Number.isInteger(value)) return value.toFixed(1);
  if (value < 1000) return String(Math.round(value));
  const [scaled, unit] = value < 1e6 ? [value / 1e3, "k"] : [value / 1e6, "M"];
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${unit}`;
}

export function shortDid(did: string): string {
  return did.length <= 24 ? did : `${did.slice(0, 12)}…${did.slice(-8)}`;
}

/** A digest in groups that can be read aloud. */
export function grouped(hex: string): string {
  return (hex.match(/.{1,4}/g) ?? []).join(" ");
}

/** A file's text; where there is none, why not. Sources are UTF-8: others were refused before they got here. */
export function decode(path: string, data: Uint8Array): { text: string; warning: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(data), warning: "" };
  } catch {
    return { text: "", warning: path.endsWith(".py") ? t("about.notUtf8") : t("about.notText") };
  }
}

/** How many characters of a text are hidden or of no common use in programs, so that a reader looks twice. */
export function suspicious(text: string): number {
  return [...text.matchAll(HIDDEN)].filter(([character]) => !"\n\t\r\f".includes(character)).length;
}
