import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { contentSecurityPolicy } from "./src/ui/csp.ts";
import { PATIENCE } from "./tests/patience.ts";

/**
 * Files whose name does not say what is in them, so that they are asked for at each visit: the script whose
 * policy a server may change, and the list that commands look for.
 */
const PLAIN = ["package-worker.js", "pyodide-packages.json"];

export default defineConfig({
  // The page works under any path.
  base: "./",
  plugins: [svelte({ configFile: false }), contentSecurityPolicy()],
  test: { testTimeout: 3 * PATIENCE, hookTimeout: 3 * PATIENCE, expect: { poll: { timeout: PATIENCE } } },
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        assetFileNames: ({ names: [name] }) => (name && PLAIN.includes(name) ? name : "assets/[name]-[hash][extname]"),
      },
    },
  },
});
