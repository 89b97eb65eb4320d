/** The built page as a whole: the same wherever it is built, and small enough to wait for. */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, readdir, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "./browser";

const DIST = join(ROOT, "web/dist");

test(
  "the same sources give the same bytes, in another directory too",
  async () => {
    const other = await mkdtemp(join(tmpdir(), "huddle-build-"));
    try {
      for (const part of ["src", "programs", "scripts", "requirements"])
        await cp(join(ROOT, part), join(other, part), { recursive: true, filter: (path) => !path.includes("__pycache__") });
      await cp(join(ROOT, "web"), join(other, "web"), {
        recursive: true,
        filter: (path) => !/web\/(node_modules|dist|build)$/.test(path),
      });
      await symlink(join(ROOT, "web/node_modules"), join(other, "web/node_modules"));
      await symlink(join(ROOT, ".venv"), join(other, ".venv"));
      await promisify(execFile)(join(other, "scripts/build-web"), ["--plain"], { cwd: other });
      const sums = (root: string): Promise<string> => readFile(join(root, "SHA256SUMS"), "utf8");
      expect(await sums(join(other, "web/dist"))).toBe(await sums(DIST));
    } finally {
      await rm(other, { recursive: true, maxRetries: 10 });
    }
  },
);

test.each([
  ["the first visit costs at most 10 MB", /-whole-/, 10e6],
  ["and on a slow line at most 7 MB", /^(python-memory|(site|python_stdlib)-(?!whole))/, 7e6],
])("%s", async (_, left, most) => {
  // All but what is loaded when it is asked for: the editor, the terminal, the scanner of QR codes, other languages.
  const later = /^(editor|screen|jsQR|de|nl)-/;
  let bytes = 0;
  for (const name of await readdir(join(DIST, "assets"))) {
    if (later.test(name) || left.test(name) || /\.(br|gz)$/.test(name)) continue;
    const path = join(DIST, "assets", name);
    bytes += (await stat(`${path}.br`).catch(() => stat(path))).size;
  }
  expect(bytes).toBeGreaterThan(1e6);
  expect(bytes).toBeLessThan(most);
});
