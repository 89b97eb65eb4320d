import { expect, test } from "vitest";
import { blocks, pictureType, tableOf } from "./result";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a Markdown table is a table, all else is text", () => {
  expect(blocks("Scores\n\n| who | points |\n|:----|-------:|\n| Ann | 3 |\n| Ben | 5 |\n\nDone | so far")).toEqual([
    { kind: "text", text: "Scores" },
    { kind: "table", head: ["who", "points"], rows: [["Ann", "3"], ["Ben", "5"]] },
    { kind: "text", text: "Done | so far" },
  ]);
  expect(blocks("a | b\nc | d")).toEqual([{ kind: "text", text: "a | b\nc | d" }]);
  expect(blocks("")).toEqual([]);
});

test.each([
  ["a,b\n1,2\n", { head: ["a", "b"], rows: [["1", "2"]] }],
  ['a;b\r\n"x;""y""";2', { head: ["a", "b"], rows: [['x;"y"', "2"]] }],
  ["a,b\n1,\n", { head: ["a", "b"], rows: [["1", ""]] }],
  ["only a head", undefined],
  ['a,b\n"x"y,2\n', undefined],
])("%j as a table", (text, table) => {
  expect(tableOf(bytes(text))).toEqual(table);
});

test("bytes that are no text are no table", () => {
  expect(tableOf(new Uint8Array([0xff, 0xfe, 0x2c]))).toBeUndefined();
});

test("only pictures are shown as such", () => {
  expect(pictureType("a/plot.PNG", bytes(""))).toBe("image/png");
  expect(pictureType("plot.svg", bytes(""))).toBe("image/svg+xml");
  expect(pictureType("plot.html", bytes(""))).toBeUndefined();
});
