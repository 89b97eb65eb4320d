import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { contentSecurityPolicy } from "./src/ui/csp.ts";

/**
 * Files whose name does not say what is in them, so that they are asked for at each visit: the script whose
 * policy a server may change, and the list that commands look for.
 */
const PLAIN = ["package-worker.js", "pyodide-packages.json"];

/** How long tests wait for what must come, in milliseconds: never a second, which a machine with much to do may take. */
const PATIENT = 60_000;

export default defineConfig({
  // The page works under any path.
  base: "./",
  plugins: [svelte({ configFile: false }), contentSecurityPolicy()],
  test: { testTimeout: PATIENT, hookTimeout: PATIENT, expect: { poll: { timeout: PATIENT / 2 } } },
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
