import { expect, test } from "vitest";
import { cryptographyProblem, problem, type Surroundings } from "./support";

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

test("on an iPhone another browser is not the advice", () => {
  const found = problem({ ...able, WebAssembly: {}, navigator: { userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)" } });
  expect(found?.todo).toMatch(/another one does not help.*Safari 27 or newer/);
});

test("a browser without the curves is told so; one with them has no problem", async () => {
  expect(await cryptographyProblem(crypto.subtle)).toBeUndefined();
  const without = { generateKey: () => Promise.reject(new DOMException("no", "NotSupportedError")) };
  expect((await cryptographyProblem(without as unknown as SubtleCrypto))?.what).toMatch(/Ed25519/);
});
