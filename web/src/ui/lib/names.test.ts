import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nameProblem, tidied } from "./names";
import { clean } from "./text";

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, "../../../../tests/vectors/names.json"), "utf8")) as {
  names: string[];
  refused: { why: string; text: string }[];
};

test.each(vectors.names)("%j is a name here as it is in Python, and is shown as it is", (name) => {
  expect(nameProblem(name)).toBeUndefined();
  expect(clean(name)).toBe(name);
});

test.each(vectors.refused)("$why is none", ({ text }) => {
  expect(nameProblem(text)).toBeDefined();
});

test("a joiner where nothing needs it is shown", () => {
  expect(clean("An\u200dn")).toBe("An\\u200dn");
});

test("what a keyboard adds is taken away", () => {
  expect(tidied(" Zoe\u0308 ")).toBe("Zo\u00eb");
  expect(nameProblem(tidied(" Zoe\u0308 "))).toBeUndefined();
});
