import { expect, test } from "vitest";
import { problem, type Surroundings } from "./support";

const able: Surroundings = {
  isSecureContext: true,
  WebAssembly: { Suspending: class {} },
  Worker: class {},
  indexedDB: {},
  crypto: { subtle: {} },
};

test("a browser that has everything has no problem", () => {
  expect(problem(able)).toBeUndefined();
});

test.each<[string, Partial<Surroundings>, RegExp]>([
  ["plain http", { isSecureContext: false }, /http/],
  ["no JSPI", { WebAssembly: {} }, /JSPI/],
  ["no workers", { Worker: undefined }, /workers/],
  ["no storage", { indexedDB: undefined }, /keeps nothing/],
])("%s is named, with what to do", (_, missing, what) => {
  const found = problem({ ...able, ...missing });
  expect(found?.what).toMatch(what);
  expect(found?.todo).not.toBe("");
});
