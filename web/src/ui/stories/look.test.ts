/** Every screen in every state, light, dark and on a phone: accessibility, touch targets, width, policy. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { build } from "vite";

test(
  "no screen has a serious violation, a target too small for a finger, more width than the window, or words that something covers",
  async () => {
    const pictures = await mkdtemp(join(tmpdir(), "huddle-pictures-"));
    try {
      await build({ configFile: join(import.meta.dirname, "vite.config.ts"), logLevel: "warn" });
      const { stdout, stderr } = await promisify(execFile)("node", [join(import.meta.dirname, "look.mjs"), pictures]).catch(
        (failed: { stdout: string; stderr: string }) => failed,
      );
      expect(stderr).toBe("");
      expect(stdout).toMatch(/^(\d+) stories, 0 problems$/m);
      const stories = Number(/^(\d+) stories/m.exec(stdout)?.[1]);
      expect(stories).toBeGreaterThan(10);
      expect(await readdir(pictures)).toHaveLength(6 * stories);
    } finally {
      await rm(pictures, { recursive: true, maxRetries: 10 });
    }
  },
);
