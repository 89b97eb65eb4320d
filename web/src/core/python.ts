/**
 * Python for a worker: Pyodide from what the page handed over, with nothing fetched by itself.
 *
 * A worker is a classic script that one blob may hold, so Pyodide's own module is bundled with it.
 */
import { loadPyodide, type PyodideAPI } from "pyodide";
import createPyodideModule from "pyodide/pyodide.asm.mjs";

/** What a worker needs; blobs, which are shared and not copied when they are posted. */
export interface Assets {
  wasm: Blob;
  stdlib: Blob;
  /** Huddle, MPyC and what they need, as they lie in site-packages. */
  site: Blob;
}

const NOWHERE = "https://huddle.invalid/";

export async function python(assets: Assets): Promise<PyodideAPI> {
  const fetched = globalThis.fetch;
  const files: Record<string, Blob> = {
    "pyodide.asm.wasm": assets.wasm,
    "python_stdlib.zip": assets.stdlib,
  };
  // Pyodide asks for its files by address; none of them is anywhere but here.
  globalThis.fetch = async (input: RequestInfo | URL): Promise<Response> => {
    const name = String(input instanceof Request ? input.url : input).split("/").pop() ?? "";
    const blob = files[name];
    if (!blob) throw new TypeError(`no such file: ${name}`);
    const type = name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    return new Response(blob.stream(), { headers: { "content-type": type } });
  };
  try {
    const api = await loadPyodide({
      indexURL: NOWHERE,
      packageBaseUrl: NOWHERE,
      stdLibURL: `${NOWHERE}python_stdlib.zip`,
      lockFileContents: { info: LOCK, packages: {} } as never,
      createPyodideModule: createPyodideModule as never,
      env: { HOME: "/home/pyodide" },
    });
    api.unpackArchive(await assets.site.arrayBuffer(), "zip", { extractDir: SITE });
    return api;
  } finally {
    globalThis.fetch = fetched;
  }
}

const SITE = "/lib/python3.14/site-packages";

/** What Pyodide's own lock file says of itself; it lists packages that are not used here. */
const LOCK = {
  arch: "wasm32",
  platform: "emscripten_5_0_3",
  version: "314.0.7",
  python: "3.14.2",
  abi_version: "2026_0",
};

/** Call a function of a Python module, which may wait for JavaScript. */
export function call(api: PyodideAPI, module: string, name: string, ...args: unknown[]): Promise<unknown> {
  const found = api.pyimport(module) as Record<string, { callPromising(...args: unknown[]): Promise<unknown> }>;
  return found[name]!.callPromising(...args);
}

/** The last lines of a Python traceback, or what else an error says. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n").slice(-3).join(" ").slice(0, 500);
}
