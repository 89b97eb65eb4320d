/**
 * What a program says of itself, read from its source as text: its docstring, else the comment at its head.
 * The words are a stranger's; nobody has checked them.
 */

const LONGEST = 4_000;
const DOCSTRING = /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*[rRuU]?("""|''')([\s\S]*?)\1/;
const LINE_STRING = /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*[rRuU]?(["'])((?:(?!\1)[^\n])+)\1[ \t]*(?:\r?\n|$)/;
/** Of the shell and of editors, not of people. */
const TECHNICAL = /^#!|^#.*(coding[:=]|vim:|SPDX-|Copyright|©)/i;
/** How a paragraph begins that says what comes out. */
const LEARNED = /^(what|who|each|every|all)\b[^.:]*\b(revealed|shown|learns?|known|told|sees?)\b|\b(is|are) revealed\b/i;

export interface Purpose {
  /** The first paragraph. */
  summary: string;
  /** The paragraphs that say what the parties learn. */
  learned: string[];
  /** The others, but for examples of command lines. */
  rest: string[];
}

export function purpose(source: string): Purpose | undefined {
  const text = source.startsWith("\ufeff") ? source.slice(1) : source;
  const said = DOCSTRING.exec(text)?.[2] ?? LINE_STRING.exec(text)?.[2] ?? header(text);
  const paragraphs = said
    .slice(0, LONGEST)
    .split(/\r?\n[ \t]*\r?\n/)
    .filter((one) => !/^( {4}|\t)/.test(one) && one.trim() !== "")
    .map((one) => one.replace(/\s+/g, " ").trim());
  const [summary, ...others] = paragraphs;
  if (summary === undefined) return undefined;
  const learns = written(text, "learns");
  if (learns) return { summary, learned: [learns], rest: others };
  return { summary, learned: others.filter((one) => LEARNED.test(one)), rest: others.filter((one) => !LEARNED.test(one)) };
}

/** The block of a program that says what it is for, as PEP 723 has it, in one of its lines (huddle/session/form.py). */
export function written(source: string, key: "title" | "learns"): string {
  const block = /^# \/\/\/ script\s*\n((?:#.*\n)*?)# \/\/\/\s*$/m.exec(source)?.[1] ?? "";
  const table = /^# \[tool\.huddle\]\s*\n((?:#(?! \[).*\n)*)/m.exec(block)?.[1] ?? "";
  const value = new RegExp(`^# ${key} = ("(?:[^"\\\\]|\\\\.)*")\\s*$`, "m").exec(table)?.[1];
  try {
    return value ? String(JSON.parse(value)).slice(0, 400) : "";
  } catch {
    return "";
  }
}

function header(text: string): string {
  const lines = text.replace(/^# \/\/\/ script[\s\S]*?^# \/\/\/\s*$/m, "").split(/\r?\n/);
  const end = lines.findIndex((line) => !line.startsWith("#") && line.trim() !== "");
  return lines
    .slice(0, end === -1 ? undefined : end)
    .filter((line) => !TECHNICAL.test(line))
    .map((line) => line.replace(/^#+ ?/, ""))
    .join("\n");
}

/** What keyboard a line of input wants, where the program makes a number of it: `int(input("Your bid: "))`. */
export function keyboard(sources: Iterable<string>, prompt: string): "numeric" | "decimal" | "text" {
  const asked = prompt.trim();
  if (asked === "") return "text";
  for (const source of sources)
    for (const [, kind, , literal] of source.matchAll(/\b(int|float|Decimal|Fraction)\(\s*input\(\s*[fF]?(["'])((?:\\.|(?!\2).)*)\2/g))
      if (literal !== undefined && like(literal).test(asked)) return kind === "int" ? "numeric" : "decimal";
  return "text";
}

/** The prompts that a literal, perhaps with `{…}` in it, can be. */
function like(literal: string): RegExp {
  const parts = literal.trim().split(/\{[^}]*\}/);
  return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`);
}
