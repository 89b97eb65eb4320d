import { expect, test } from "vitest";
import { EN, listing, parts, t, type Key } from "./texts";

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
