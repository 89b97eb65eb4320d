/** Builds the stories like the page, under the same policy, and apart from it. */
import { resolve } from "node:path";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { contentSecurityPolicy } from "../csp.ts";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  publicDir: false,
  plugins: [svelte({ configFile: false }), contentSecurityPolicy()],
  build: { outDir: resolve(import.meta.dirname, "../../../build/stories"), emptyOutDir: true },
});
