// Bundles what does not belong to the page's own code: the workers, each one classic script, the list of
// packages that programs may import, and the runner's frame, whose one script its document names by hash.
// Writes to build/, which the page imports.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { build } from "rolldown";

const OUT = "build";
const NO_IMPORTS = 'self.importScripts=()=>{throw new TypeError("nothing is loaded here")};';
// A program has one worker, and makes no others: they would have its policy, but no end.
const NO_WORKERS = "delete self.Worker;";
const BANNERS = { "runner-worker": NO_IMPORTS + NO_WORKERS, "session-worker": NO_IMPORTS, "package-worker": NO_IMPORTS, "vectors-worker": NO_IMPORTS };

const WORD = /[\w$]+/g;

/**
 * Pyodide's own module has a variable and a property for each of the 4,900 functions that its WebAssembly exports, for
 * shared libraries, and a third of it is this list. No library is loaded here: what nobody mentions is left out.
 */
const fewerExports = {
  name: "fewer-exports",
  async transform(code, id) {
    if (!id.endsWith("/pyodide.asm.mjs")) return undefined;
    const ours = (await readdir("src/core")).map((name) => `src/core/${name}`);
    const elsewhere = await Promise.all(["node_modules/pyodide/pyodide.mjs", ...ours].map((name) => readFile(name, "utf8")));
    const mentioned = new Set(elsewhere.flatMap((text) => text.match(WORD)));
    const times = new Map();
    for (const [word] of code.matchAll(WORD)) times.set(word, (times.get(word) ?? 0) + 1);
    const dropped = new Set();
    const assigned = code.replace(/(?<=[{;])([\w$]+)=Module\["\1"\]=wasmExports\["[\w$]+"\](?:\.value>>>0)?;/g, (whole, name) => {
      // Three times: `var …,_free,…;` and `_free=Module["_free"]=wasmExports["free"];`.
      if (times.get(name) > 3 || mentioned.has(name)) return whole;
      dropped.add(name);
      return "";
    });
    if (dropped.size === 0) throw new Error("Pyodide's module has another form now");
    return { code: assigned.replace(/(?<=[ ,])([\w$]+),/g, (whole, name) => (dropped.has(name) ? "" : whole)) };
  },
};

async function bundle(name, format = "iife", source = `src/core/${name}.ts`) {
  const { output } = await build({
    input: source,
    // What only Node would load.
    external: /^node:|^ws$/,
    platform: "browser",
    plugins: [fewerExports],
    // A classic script has none; Pyodide only looks whence it came, and all it needs is handed to it.
    transform: { define: { "import.meta.url": JSON.stringify("https://huddle.invalid/") }, target: "es2024" },
    // Pyodide runs in module workers only, and this is how it knows them; nothing is to be loaded anyway.
    output: { banner: BANNERS[name] ?? "", format, dir: OUT, entryFileNames: `${name}.js`, codeSplitting: false, minify: true },
    // Pyodide's own module is full of what only Node would run.
    logLevel: "silent",
    write: name !== "frame",
  });
  return output[0].code;
}

/** What of Pyodide's lock file says which packages a program may import (src/core/packages.ts). */
async function packages() {
  const { version } = JSON.parse(await readFile("node_modules/pyodide/package.json", "utf8"));
  const { packages: all } = JSON.parse(await readFile("node_modules/pyodide/pyodide-lock.json", "utf8"));
  // Shared libraries are loaded in another way, and nothing that MPyC knows of needs one.
  const plain = (name) => all[name]?.package_type === "package" && all[name].depends.every(plain);
  const kept = Object.keys(all).filter((name) => plain(name) && all[name].file_name.endsWith(".whl"));
  const entry = ({ version, file_name, sha256, imports, depends }) => ({ version, file_name, sha256, imports, depends });
  const source = `https://cdn.jsdelivr.net/pyodide/v${version}/full/`;
  return JSON.stringify({ source, packages: Object.fromEntries(kept.sort().map((name) => [name, entry(all[name])])) });
}

await mkdir(OUT, { recursive: true });
await bundle("session-worker");
await bundle("runner-worker");
await bundle("package-worker");
await writeFile(`${OUT}/pyodide-packages.json`, await packages());
const size = async (name) => (await stat(`${OUT}/${name}`)).size;
const sizes = { wasm: await size("pyodide.asm.wasm"), stdlib: await size("python_stdlib.zip"), site: await size("site.zip"), memory: await size("python-memory.bin"), wholeStdlib: await size("python_stdlib-whole.zip"), wholeSite: await size("site-whole.zip") };
await writeFile(`${OUT}/sizes.json`, JSON.stringify(sizes));
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
