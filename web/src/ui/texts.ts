/** What the page says, in the language of its person: the texts of `languages`, with their values. */
import { EN, type Forms } from "./languages/en";


export type Key = keyof typeof EN;
export type Values = Record<string, string | number>;

export type Translation = Partial<Record<Key, string | Forms>>;

/** A language: what the page says, and its catalogue of what the session's Python says (huddle/texts). */
export interface Language {
  default: Translation;
  sentences: string;
}

/** The languages beside English; only the one that is spoken is loaded. */
const LANGUAGES: Record<string, () => Promise<Language>> = {
  de: () => import("./languages/de"),
  nl: () => import("./languages/nl"),
};
export const NAMES = { en: "English", de: "Deutsch", nl: "Nederlands" };
const CHOSEN = "huddle.language";

let spoken = "en";
let translation: Translation = {};
let catalogue = "";
let plural = new Intl.PluralRules(spoken);

/** The language that the page speaks. */
export function language(): string {
  return spoken;
}

/** What it says for the sentences of the session's Python, as a .po file; empty for English. */
export function sentences(): string {
  return catalogue;
}

/** Which language to speak: the one that the person has chosen here, else the first of the browser's that there is. */
export function preferred(chosen: string | null, browser: readonly string[]): string {
  const wanted = [...(chosen === null ? [] : [chosen]), ...browser].map((one) => one.split("-")[0]!.toLowerCase());
  return wanted.find((one) => one === "en" || one in LANGUAGES) ?? "en";
}

/** Speak this language, from the next text on; English where it can't be loaded. */
export async function speak(name = preferred(remembered(), globalThis.navigator?.languages ?? [])): Promise<void> {
  const loaded = await LANGUAGES[name]?.().catch(() => undefined);
  spoken = loaded ? name : "en";
  translation = loaded?.default ?? {};
  catalogue = loaded?.sentences ?? "";
  plural = new Intl.PluralRules(spoken);
  if (globalThis.document) document.documentElement.lang = spoken;
}

/** Speak this language from now on, at later visits too. The page begins anew: what it has said stays said. */
export function choose(name: string): void {
  try {
    localStorage.setItem(CHOSEN, name);
  } catch {
    // A browser that keeps nothing speaks its own language.
  }
  location.reload();
}

function remembered(): string | null {
  try {
    return localStorage.getItem(CHOSEN);
  } catch {
    return null;
  }
}

function template(key: Key, count: number): string {
  const text: string | Forms = translation[key] ?? EN[key];
  return typeof text === "string" ? text : plural.select(count) === "one" ? text.one : text.other;
}

/** A text with its values; where it has forms, `count` chooses among them. */
export function t(key: Key, values: Values = {}): string {
  return parts(key, values)
    .map((part) => part.text)
    .join("");
}

export interface Part {
  text: string;
  /** It was put in, and may be a stranger's. */
  value: boolean;
}

/** The same in parts, so that a stranger's name can be kept from turning the line around. */
export function parts(key: Key, values: Values = {}): Part[] {
  return template(key, Number(values["count"] ?? 1))
    .split(/(\{\w+\})/)
    .filter((piece) => piece !== "")
    .map((piece) => {
      const value = /^\{(\w+)\}$/.exec(piece)?.[1];
      return value !== undefined && value in values ? { text: String(values[value]), value: true } : { text: piece, value: false };
    });
}

/** One or several names as a sentence has them. */
export function listing(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : t("app.and", { names: names.slice(0, -1).join(", "), last: names.at(-1)! });
}
