import { expect, test } from "vitest";
import { guessEntry, isUnfinished, joinArguments, read, splitArguments, total } from "./files";

test("arguments are split as in a shell, without its magic", () => {
  expect(splitArguments(`--size 8 --name "Ada Lovelace" 'it is' ""`)).toEqual(["--size", "8", "--name", "Ada Lovelace", "it is", ""]);
  expect(splitArguments("  ")).toEqual([]);
});

test.each([[["a", "b c", "", `it's`]], [[]], [["--x=1"]]])("%j is typed so that it is read the same", (args) => {
  expect(splitArguments(joinArguments(args))).toEqual(args);
});

test("the program is the Python file at the top", () => {
  const files = (...paths: string[]) => Object.fromEntries(paths.map((path) => [path, new Uint8Array()]));
  expect(guessEntry(files("data.csv", "lib/util.py", "santa.py"))).toBe("santa.py");
  expect(guessEntry(files("a.py", "main.py"))).toBe("main.py");
  expect(guessEntry(files("data.csv"))).toBe("");
});

test("chosen files are read under their names, those of a folder under their paths in it", async () => {
  const plain = Object.assign(new Blob(["abc"]), { name: "a.py", webkitRelativePath: "" });
  const nested = Object.assign(new Blob(["de"]), { name: "b.csv", webkitRelativePath: "folder/data/b.csv" });
  const files = await read([plain, nested] as unknown as File[]);
  expect(Object.keys(files)).toEqual(["a.py", "data/b.csv"]);
  expect(total(files)).toBe(5);
});

test("a record of a session that was cut short is told from one of all", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  expect(isUnfinished(bytes("huddle unfinished record 1\n\0\0"))).toBe(true);
  expect([isUnfinished(bytes("huddle record 1\n\0unfinished")), isUnfinished(bytes(""))]).toEqual([false, false]);
});
