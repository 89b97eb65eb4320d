import { expect, test } from "vitest";
import { clean, cleanLines, count, decode, duration, grouped, shortDid, size, suspicious } from "./text";

test.each([
  ["plain text, ünïcode and 漢字", "plain text, ünïcode and 漢字"],
  ["a\u202eb", "a\\u202eb"],
  ["a\u2066b\u2069", "a\\u2066b\\u2069"],
  ["zero\u200bwidth", "zero\\u200bwidth"],
  ["line\nbreak", "line\\x0abreak"],
  ["\x1b[2J", "\\x1b[2J"],
  ["\u2028", "\\u2028"],
  ["\u{e0041}", "\\U000e0041"],
  ["\u3164", "\\u3164"],
])("%j is shown as %s", (text, shown) => {
  expect(clean(text)).toBe(shown);
});

test("lines and tabs stay in text of several lines, nothing else that is hidden", () => {
  expect(cleanLines("a\n\tb\r\u202e")).toBe("a\n\tb\\x0d\\u202e");
});

test("hidden characters are counted, the usual white space is not", () => {
  expect(suspicious("a\tb\r\nc\f")).toBe(0);
  expect(suspicious("a\u202e\u2066b\x00")).toBe(3);
});

const bytes = (text: string) => new TextEncoder().encode(text);

test("a file is text in UTF-8, whatever encoding its head names", () => {
  expect(decode("p.py", bytes("x = 'é'"))).toEqual({ text: "x = 'é'", warning: "" });
  expect(decode("p.py", bytes("\ufeffx"))).toEqual({ text: "x", warning: "" });
  expect(decode("p.py", bytes("# coding: utf-7\n+AGkAbQBw-")).text).toContain("+AGkAbQBw-");
  expect(decode("p.py", Uint8Array.from([...bytes("# coding: latin-1\n'"), 0xe9]))).toEqual({ text: "", warning: "This file is not in UTF-8, and is refused." });
});

test("what is not text is said to be none", () => {
  expect(decode("a.png", Uint8Array.of(0x89, 0x50, 0xff)).warning).toBe("This is not text.");
});

test("sizes, times and counts are readable", () => {
  expect([0, 1023, 1536, 150 * 1024, 3 * 2 ** 30].map(size)).toEqual(["0 B", "1023 B", "1.5 KiB", "150 KiB", "3.0 GiB"]);
  expect([0.4213, 12.4, 185].map(duration)).toEqual(["0.42 s", "12 s", "3 min 5 s"]);
  expect([0, 0.25, 950, 1234, 34_000, 2_500_000].map(count)).toEqual(["0", "0.3", "950", "1.2 k", "34 k", "2.5 M"]);
});

test("digests come in groups, dids short", () => {
  expect(grouped("5fa310c2")).toBe("5fa3 10c2");
  expect(shortDid(`did:key:z6Mk${"a".repeat(40)}12345678`)).toBe("did:key:z6Mk…12345678");
});
