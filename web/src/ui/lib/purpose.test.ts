import { expect, test } from "vitest";
import { gallery } from "./gallery";
import { keyboard, purpose, written } from "./purpose";

test("every program of the gallery says what it is for and what comes out", () => {
  for (const { path, source } of gallery) {
    expect(purpose(source)?.summary, path).toBeTruthy();
    expect(JSON.stringify(purpose(source)), path).not.toContain("-M3");
  }
  const salary = purpose(gallery.find((one) => one.path === "average_salary.py")!.source);
  expect(salary?.summary).toBe("The average of the parties' salaries, computed without anybody's salary being shown.");
  expect(salary?.learned).toEqual(["The average of your salaries. Nobody's salary, if you are three or more."]);
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

test("where no block says what comes out, the docstring's paragraph does", () => {
  const source = '"""Adds.\n\nMore.\n\nWhat is revealed, to all: the sum.\n"""\n';
  expect(purpose(source)).toEqual({ summary: "Adds.", learned: ["What is revealed, to all: the sum."], rest: ["More."] });
  const block = '# /// script\n# [tool.huddle]\n# title = "A \\"sum\\""\n# learns = "The sum."\n#\n# [[tool.huddle.inputs]]\n# title = "no"\n# ///\n';
  expect(purpose(`${source}${block}`)?.learned).toEqual(["The sum."]);
  expect(written(block, "title")).toBe('A "sum"');
  expect(written("# title = 1", "title")).toBe("");
  expect(purpose(`${block}# A comment.\nimport x`)?.summary).toBe("A comment.");
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
