/**
 * Python for a worker: Pyodide from what the page handed over, with nothing fetched by itself.
 *
 * A worker is a classic script that one blob may hold, so Pyodide's own module is bundled with it.
 */
import { loadPyodide, type PyodideAPI } from "pyodide";
import createPyodideModule from "pyodide/pyodide.asm.mjs";
import type { Heap, Mailbox } from "./mailbox";
import type { Given } from "./packages";

/** What a worker needs; blobs, which are shared and not copied when they are posted. */
export interface Assets {
  wasm: Blob;
  stdlib: Blob;
  /** Huddle, MPyC and what they need. */
  site: Blob;
}

const NOWHERE = "https://huddle.invalid/";
const ZIP = "/lib/huddle.zip";
const SITE = "/lib/python3.14/site-packages";

/** Python; it waits for what comes to that mailbox. */
export async function python(assets: Assets, box: Mailbox): Promise<PyodideAPI> {
  return awaiting(box, await load(assets, {}));
}

/** Python, and its memory after all has been imported that can be, where the browser gives it. */
export async function remembered(assets: Assets, box: Mailbox): Promise<{ api: PyodideAPI; memory: Blob | undefined }> {
  const api = awaiting(box, await load(assets, { _makeSnapshot: true }));
  api.runPython("import huddle.browser.preload; huddle.browser.preload.prepare()");
  const { makeMemorySnapshot } = api as unknown as { makeMemorySnapshot(): Uint8Array<ArrayBuffer> };
  let memory: Blob | undefined;
  try {
    memory = new Blob([makeMemorySnapshot.call(api)]);
  } catch (error) {
    console.warn(`Python's memory can't be kept: ${reasonOf(error)}`);
  }
  api.runPython("huddle.browser.preload.restored()");
  return { api, memory };
}

/** Python with that memory; undefined where it can't be restored. */
export async function restored(assets: Assets, box: Mailbox, memory: Blob): Promise<PyodideAPI | undefined> {
  try {
    const api = awaiting(box, await load(assets, { _loadSnapshot: memory.arrayBuffer() }));
    api.runPython("huddle.browser.preload.restored()");
    return api;
  } catch (error) {
    console.warn(`Python's memory can't be restored: ${reasonOf(error)}`);
    return undefined;
  }
}

function awaiting(box: Mailbox, api: PyodideAPI): PyodideAPI {
  const { _module: module } = api as unknown as { _module: Waiting };
  // Pyodide's own hook for sockets that have to wait for JavaScript.
  module.SOCKFS.pollAsync = (...list) => box.poll(module, ...list);
  return api;
}

interface Waiting extends Heap {
  SOCKFS: { pollAsync?: (address: number, length: number, milliseconds: number) => Promise<number> };
}

interface Snapshots {
  _makeSnapshot?: boolean;
  _loadSnapshot?: Promise<ArrayBuffer>;
}

async function load(assets: Assets, snapshots: Snapshots): Promise<PyodideAPI> {
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
      createPyodideModule: grown as never,
      env: { HOME: "/home/pyodide" },
      ...snapshots,
    });
    // A snapshot has the memory, not the files.
    api.FS.mkdirTree(SITE);
    api.FS.writeFile(ZIP, new Uint8Array(await assets.site.arrayBuffer()));
    if (!snapshots._loadSnapshot) api.runPython(`import sys; sys.path.append("${ZIP}")`);
    return api;
  } finally {
    globalThis.fetch = fetched;
  }
}

interface Settings {
  INITIAL_MEMORY?: number;
  instantiateWasm: (imports: unknown, done: (instance: WebAssembly.Instance, module: unknown) => void) => unknown;
}

/** Pyodide's module, whose memory is as large as its settings say: a snapshot that is larger must fit in. */
function grown(settings: Settings): unknown {
  const { INITIAL_MEMORY: size, instantiateWasm: instantiate } = settings;
  if (size !== undefined)
    settings.instantiateWasm = (imports, done) =>
      instantiate(imports, (instance, module) => {
        const memory = instance.exports["memory"] as WebAssembly.Memory;
        const pages = Math.ceil((size - memory.buffer.byteLength) / 65_536);
        if (pages > 0) memory.grow(pages);
        done(instance, module);
      });
  return (createPyodideModule as unknown as (settings: Settings) => unknown)(settings);
}

/** Put wheels where Python finds them. */
export async function install(api: PyodideAPI, wheels: Given["wheels"]): Promise<void> {
  for (const { data } of wheels) api.unpackArchive(await data.arrayBuffer(), "zip", { extractDir: SITE });
}

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
