import { expect, test } from "vitest";
import { gallery } from "./gallery";
import { keyboard, purpose } from "./purpose";

test("every program of the gallery says what it is for and what comes out", () => {
  for (const { path, source } of gallery) {
    expect(purpose(source)?.summary, path).toBeTruthy();
    expect(JSON.stringify(purpose(source)), path).not.toContain("-M3");
  }
  const salary = purpose(gallery.find((one) => one.path === "average_salary.py")!.source);
  expect(salary?.summary).toBe("The average of the parties' salaries, computed without anybody's salary being shown.");
  expect(salary?.learned[0]).toMatch(/^What is revealed, to all: the average/);
});

test.each([
  ['#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n"""A docstring\nof two lines.\n"""\nimport x', "A docstring of two lines."],
  ["'''One.'''", "One."],
  ['"A short one"\nimport x', "A short one"],
  ["#!/usr/bin/python\n# Adds numbers.\n# Quickly.\nimport x", "Adds numbers. Quickly."],
  ['\ufeffr"""Raw."""', "Raw."],
])("%j says %j", (source, summary) => {
  expect(purpose(source)?.summary).toBe(summary);
});

test.each(["import x\n'''no docstring'''", "", "x = 1", '"""   """'])("%j says nothing", (source) => {
  expect(purpose(source)).toBeUndefined();
});

test("what is long is cut, and what never ends is read quickly", () => {
  expect(purpose(`"""${"long ".repeat(5000)}"""`)?.summary.length).toBeLessThan(4100);
  expect(purpose(`"""${"\n".repeat(100_000)}`)).toBeUndefined();
});

const ASKS = ['n = int(input("Your number: "))', "f = float(input('Metres? '))", 'x = int(input(f"Bid {n} of 3: "))'];

test.each([
  ["Your number: ", "numeric"],
  ["Metres?", "decimal"],
  ["Bid 2 of 3:", "numeric"],
  ["Your name: ", "text"],
  ["", "text"],
])("%j is typed on a keyboard that is %s", (prompt, kind) => {
  expect(keyboard(ASKS, prompt)).toBe(kind);
});
