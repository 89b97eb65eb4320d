/**
 * Python for a worker: Pyodide from what the page handed over, with nothing fetched by itself.
 *
 * A worker is a classic script that one blob may hold, so Pyodide's own module is bundled with it.
 */
import { loadPyodide, type PyodideAPI } from "pyodide";
import createPyodideModule from "pyodide/pyodide.asm.mjs";
import type { Coming } from "./assets";
import type { Heap, Mailbox } from "./mailbox";
import type { Given } from "./packages";

/** Python's memory can't be used in this browser; perhaps a Python can that starts by itself. */
export class NotRestored extends Error {}

const NOWHERE = "https://huddle.invalid/";
const WASM = { "content-type": "application/wasm" };
const ZIP = "/lib/huddle.zip";
const SITE = "/lib/python3.14/site-packages";

/** Python with what that worker needs imported; it waits for what comes to that mailbox. Raises NotRestored. */
export async function python(assets: Coming, box: Mailbox, worker: "session" | "runner"): Promise<PyodideAPI> {
  const compiled = assets.wasm.then((wasm) => WebAssembly.compileStreaming(new Response(wasm, { headers: WASM })));
  const memory = await assets.memory;
  try {
    const api = await load(await compiled, assets, memory?.arrayBuffer());
    const { _module: module } = api as unknown as { _module: Module };
    // Pyodide's own hook for sockets that have to wait for JavaScript.
    module.SOCKFS.pollAsync = (...list) => box.poll(module, ...list);
    if (!memory) api.runPython(`import sys; sys.path.append("${ZIP}")`);
    await call(api, "huddle.browser.preload", memory ? "restored" : `prepare_${worker}`);
    return api;
  } catch (error) {
    throw memory ? new NotRestored(reasonOf(error)) : error;
  }
}

/** Pyodide's module, as far as it is used here. */
interface Module extends Heap {
  __PyRuntime: number;
  __PyEM_EMSCRIPTEN_TRAMPOLINE_OFFSET: number;
  SOCKFS: { pollAsync?: (address: number, length: number, milliseconds: number) => Promise<number> };
}

async function load(compiled: WebAssembly.Module, assets: Coming, memory: Promise<ArrayBuffer> | undefined): Promise<PyodideAPI> {
  const { fetch } = globalThis;
  const { instantiateStreaming } = WebAssembly;
  // Pyodide asks for its files by address; none of them is anywhere but here.
  globalThis.fetch = async (input: RequestInfo | URL): Promise<Response> => {
    const name = String(input instanceof Request ? input.url : input).split("/").pop() ?? "";
    if (name === "python_stdlib.zip") return new Response(await assets.stdlib);
    if (name === "pyodide.asm.wasm") return new Response();
    throw new TypeError(`no such file: ${name}`);
  };
  // It was compiled while the rest was under way.
  WebAssembly.instantiateStreaming = async (_, imports) => ({ module: compiled, instance: await WebAssembly.instantiate(compiled, imports) });
  let trampoline = 0;
  try {
    const api = await loadPyodide({
      indexURL: NOWHERE,
      packageBaseUrl: NOWHERE,
      stdLibURL: `${NOWHERE}python_stdlib.zip`,
      lockFileContents: { info: LOCK, packages: {} } as never,
      createPyodideModule: (async (settings: Settings) => {
        const module = await grown(settings);
        trampoline = module.HEAP32[trampolineAt(module)]!;
        return module;
      }) as never,
      env: { HOME: "/home/pyodide" },
      ...(memory && { _loadSnapshot: memory }),
    });
    // By which Python calls C, and JavaScript may be waited for; it is of this browser, and not of the build's Python.
    const { _module: module } = api as unknown as { _module: Module };
    module.HEAP32[trampolineAt(module)] = trampoline;
    // No memory has any of the files.
    api.FS.mkdirTree(SITE);
    api.FS.writeFile(ZIP, new Uint8Array(await (await assets.site).arrayBuffer()));
    return api;
  } finally {
    globalThis.fetch = fetch;
    WebAssembly.instantiateStreaming = instantiateStreaming;
  }
}

interface Settings {
  INITIAL_MEMORY?: number;
  instantiateWasm: (imports: unknown, done: (instance: WebAssembly.Instance, module: unknown) => void) => unknown;
}

/** Pyodide's module, whose memory is as large as its settings say: what is restored must fit in. */
function grown(settings: Settings): Promise<Module> {
  const { INITIAL_MEMORY: size, instantiateWasm: instantiate } = settings;
  if (size !== undefined)
    settings.instantiateWasm = (imports, done) =>
      instantiate(imports, (instance, module) => {
        const memory = instance.exports["memory"] as WebAssembly.Memory;
        const pages = Math.ceil((size - memory.buffer.byteLength) / 65_536);
        if (pages > 0) memory.grow(pages);
        done(instance, module);
      });
  return (createPyodideModule as unknown as (settings: Settings) => Promise<Module>)(settings);
}

/** Where in `HEAP32` the function's number stands that the module found at its start. */
function trampolineAt(module: Module): number {
  return (module.__PyRuntime + module.HEAP32[module.__PyEM_EMSCRIPTEN_TRAMPOLINE_OFFSET >> 2]!) >> 2;
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
