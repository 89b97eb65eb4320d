import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "svelte/compiler";
import ts from "typescript";
import { expect, test } from "vitest";
import de from "./languages/de";
import { EN } from "./languages/en";
import nl from "./languages/nl";
import { language, listing, parts, preferred, speak, t, type Key } from "./texts";

const all = Object.entries(EN).flatMap(([key, text]) => (typeof text === "string" ? [[key, text]] : Object.values(text).map((form) => [key, form]))) as [Key, string][];

/** Screens that somebody sees who was just invited. */
const GUEST = /^(app|help|name|entry|join|setback|ready|lobby|words|about|decide|people|run|input)\./;
/** Behind “Read the program” and “More settings”, for those who look. */
const BEHIND: Key[] = ["about.flags"];
const JARGON = /\b(part(y|ies)|threshold|digest|wire|epoch|rendezvous|roster|manifest|peer|runner|supervisor|pid|RTT|--\w+)\b/i;

test("nothing on a guest's way is jargon", () => {
  const found = all.filter(([key, text]) => GUEST.test(key) && !BEHIND.includes(key) && JARGON.test(text.replace(/\{\w+\}/g, "")));
  expect(found).toEqual([]);
});

test("texts have no spaces at their ends, no doubled ones and no straight ellipsis", () => {
  expect(all.filter(([, text]) => text !== text.trim() || /\s\s|\.\.\./.test(text))).toEqual([]);
});

test("a count chooses the form, and values are told from words", () => {
  expect(t("lobby.more", { here: 1, all: 3, count: 2 })).toBe("1 of 3 are here. Waiting for 2 more people");
  expect(t("lobby.more", { here: 2, all: 3, count: 1 })).toBe("2 of 3 are here. Waiting for 1 more person");
  expect(parts("lobby.invites", { name: "{name}" })).toEqual([
    { text: "{name}", value: true },
    { text: " invites you", value: false },
  ]);
});

test("names in a sentence", () => {
  expect(listing([])).toBe("");
  expect(listing(["Ann", "Ben", "Carla"])).toBe("Ann, Ben and Carla");
});

const places = (text: unknown): string[] => [...new Set(JSON.stringify(text).match(/\{\w+\}/g) ?? [])].sort();

test.each([
  ["de", de],
  ["nl", nl],
])("%s has all texts, with the same values", (_, translation) => {
  const missing = (Object.keys(EN) as Key[]).filter((key) => key !== "app.name" && !(key in translation));
  expect(missing).toEqual([]);
  for (const [key, text] of Object.entries(translation)) expect(places(text), key).toEqual(places(EN[key as Key]));
});

test("the person's choice comes before the browser's languages, and what there is not is passed over", () => {
  expect(preferred(null, ["fr-FR", "nl-BE", "de"])).toBe("nl");
  expect(preferred("de", ["nl"])).toBe("de");
  expect(preferred("xx", ["en-GB", "de"])).toBe("en");
  expect(preferred(null, [])).toBe("en");
});

test("another language is spoken once it is loaded", async () => {
  await speak("de");
  expect([language(), t("run.took", { run: 1, time: "2 s" }), listing(["Ann", "Ben"])]).toEqual(["de", "Lauf 1 dauerte 2 s.", "Ann und Ben"]);
  await speak("xx");
  expect([language(), t("app.back")]).toEqual(["en", "Back"]);
});

/** Attributes that a person reads or hears; the others are for the machine. */
const READ = /^(aria-label|aria-description|aria-valuetext|title|placeholder|alt|label|help)$/;
/** Two words beside each other, or a word as it begins a sentence. */
const SENTENCE = /[A-Za-z]{2,},? [a-z']{2,}|^[A-Z][a-z]+[.:]?$/;
/** What looks like a text and is none. */
const NOT_SAID = [
  /^(the host declined|not now|closed the page|knocks again)$/, // told to the others, who have languages of their own (huddle/browser/language.py)
  /^(the browser's store failed|another tab holds it)$/, // a reason that the screen replaces by its own
  /^(People|Chat|Files|Stats|Notification|Page|Huddle|Suspending|Tab|Enter|Escape|Home|End|Ed25519)$/, // keys, and names of the platform
  /^[.a-z-]+( [.a-z-]+)?(, [.a-z-]+( [.a-z-]+)?)+$|var\(--/, // selectors and styles
  /^from mpyc|^huddle /, // a program, a command
];
/** A policy; languages by their own names. */
const NO_WORDS = ["csp.ts", "texts.ts"];

interface Node {
  type?: string;
  name?: string;
  data?: string;
  value?: unknown;
  [key: string]: unknown;
}

/** Texts of a component's markup, and where its scripts and expressions stand. */
function markup(source: string): string[] {
  const found: string[] = [];
  const walk = (node: unknown, attribute?: string, code = false): void => {
    if (Array.isArray(node)) return node.forEach((one) => walk(one, attribute, code));
    if (typeof node !== "object" || node === null) return;
    const { type, name, data, value } = node as Node;
    if (["ImportDeclaration", "StyleSheet", "Comment"].includes(type ?? "")) return;
    if (type === "RegularElement" && ["code", "pre"].includes(name ?? "")) code = true;
    if (type === "Attribute") attribute = name;
    const read = attribute === undefined || READ.test(attribute);
    if (type === "Text" && read && !code && /[A-Za-z]{2}/.test(data ?? "")) found.push(data!.trim());
    if (type === "Literal" && typeof value === "string" && read && SENTENCE.test(value)) found.push(value);
    const cooked = type === "TemplateElement" ? (value as { cooked: string }).cooked : "";
    if (read && SENTENCE.test(cooked.trim())) found.push(cooked);
    for (const [key, part] of Object.entries(node)) if (!["start", "end", "loc", "metadata", "css"].includes(key)) walk(part, attribute, code);
  };
  walk(parse(source, { modern: true }));
  return found;
}

/** Sentences among a script's strings. */
function strings(source: string): string[] {
  const found: string[] = [];
  const walk = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return;
    if ((ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) && SENTENCE.test(node.text.trim())) found.push(node.text);
    ts.forEachChild(node, walk);
  };
  walk(ts.createSourceFile("one.ts", source, ts.ScriptTarget.Latest, true));
  return found;
}

test("components and their scripts say nothing but what the catalogue has", async () => {
  const here = import.meta.dirname;
  const paths = (await readdir(here, { recursive: true })).filter((path) => /\.(svelte|ts)$/.test(path) && !/^(stories|languages)|\.test\.ts$/.test(path) && !NO_WORDS.includes(path));
  expect(paths.length).toBeGreaterThan(70);
  const found: Record<string, string[]> = {};
  for (const path of paths) {
    const source = await readFile(join(here, path), "utf8");
    const said = (path.endsWith(".svelte") ? markup(source) : strings(source)).filter((text) => !NOT_SAID.some((one) => one.test(text)));
    if (said.length > 0) found[path] = said;
  }
  expect(found).toEqual({});
}, 60_000);

test("a text outside the catalogue is found, wherever it hides", () => {
  expect(markup('<script>let a = "Nobody is here";</script><p title="Read me">Hello</p><i class="row spread">{t("x")}</i>{`It is ${1}`}')).toEqual([
    "Read me",
    "Hello",
    "It is ",
    "Nobody is here",
  ]);
  expect(strings('import "a b c"; const b = ok ? "row" : "It did not work";')).toEqual(["It did not work"]);
});
