// Bundles what does not belong to the page's own code: the two workers, each one classic script, and the
// runner's frame, whose one script its document names by hash. Writes to build/, which the page imports.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { build } from "rolldown";

const OUT = "build";
const NO_IMPORTS = 'self.importScripts=()=>{throw new TypeError("nothing is loaded here")};';

async function bundle(name, format = "iife", source = `src/core/${name}.ts`) {
  const { output } = await build({
    input: source,
    // What only Node would load.
    external: /^node:|^ws$/,
    platform: "browser",
    // A classic script has none; Pyodide only looks whence it came, and all it needs is handed to it.
    transform: { define: { "import.meta.url": JSON.stringify("https://huddle.invalid/") }, target: "es2024" },
    // Pyodide runs in module workers only, and this is how it knows them; nothing is to be loaded anyway.
    output: { banner: name.endsWith("worker") ? NO_IMPORTS : "", format, dir: OUT, entryFileNames: `${name}.js`, codeSplitting: false, minify: true },
    // Pyodide's own module is full of what only Node would run.
    logLevel: "silent",
    write: name !== "frame",
  });
  return output[0].code;
}

await mkdir(OUT, { recursive: true });
await bundle("session-worker");
await bundle("runner-worker");
// For tests and measurements alone.
await bundle("bare", "es");
await bundle("vectors-worker", "iife", "tests/vectors-worker.ts");
const script = (await bundle("frame")).trim();
const hash = createHash("sha256").update(script).digest("base64");
const policy = `default-src 'none'; script-src 'sha256-${hash}' 'wasm-unsafe-eval'; worker-src blob:`;
await writeFile(
  `${OUT}/frame.html`,
  `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">` +
    `<script>${script}</script>\n`,
);
