import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { contentSecurityPolicy } from "./src/ui/csp.ts";

export default defineConfig({
  // The page works under any path.
  base: "./",
  plugins: [svelte({ configFile: false }), contentSecurityPolicy()],
  build: { target: "es2023", modulePreload: { polyfill: false } },
});
