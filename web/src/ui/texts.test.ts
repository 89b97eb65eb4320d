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
])("%s has nearly all texts, with the same values and no jargon", (_, translation) => {
  const missing = (Object.keys(EN) as Key[]).filter((key) => key !== "app.name" && !(key in translation));
  expect(missing.length, missing.join(" ")).toBeLessThan(Object.keys(EN).length / 5);
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
