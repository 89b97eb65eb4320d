import { expect, test } from "vitest";
import { gallery, titleOf } from "./gallery";

test("a program of the gallery brings what it reads", async () => {
  const found = (name: string) => gallery.find((one) => one.path === name)!;
  expect(Object.keys(await found("secret_santa.py").data())).toEqual([]);
  const data = await found("cnn_mnist.py").data();
  expect(Object.keys(data)).toEqual(["cnn_mnist.json"]);
  expect(JSON.parse(data["cnn_mnist.json"]!)).toHaveProperty("digits");
});

test.each([
  ["cnn_mnist.py", "CNN MNIST"],
  ["average_salary.py", "Average salary"],
])("%s is called %s where it has no title of its own", (name, title) => {
  expect(titleOf(name)).toBe(title);
});
