// Makes the browser's Python: its memory after all has been imported that either worker needs, and archives of
// what is not in there.
//
//   node compile.mjs build/site.zip build/python_stdlib.zip build/python-memory.bin
//
// and beside each archive a `-whole.zip`, for a Python that starts without the memory.
//
// Reads Huddle's site.zip and Pyodide's own standard library. A browser that begins with the memory neither reads
// nor runs a module at its start (huddle/browser/preload.py says what is in it). MPyC is in the archive as well: a
// program with numpy imports it anew, and tracebacks show its lines.
//
// The same sources give the same bytes. So nothing is random while the memory is made and the clock stands
// still: what has to be new is made anew when it is restored. Nothing in the archives is compressed, since a
// server does that better for the whole; names are sorted and times left out.
import { createRequire } from "node:module";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadPyodide } from "pyodide";

// Python would keep where this script is.
const [site, stdlib, memory] = process.argv.splice(1, Infinity, "python").slice(1);
/** Where the browser's Python has the archives; as in src/core/python.ts. */
const ZIPS = { site: "/lib/huddle.zip", stdlib: "/lib/python314.zip" };

const ARCHIVES = `
import compileall, os, py_compile, shutil, zipfile

def pack(folder, target, wanted):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                full = os.path.join(path, name)
                inside = os.path.relpath(full, folder)
                if wanted(inside):
                    with open(full, "rb") as file:
                        archive.writestr(zipfile.ZipInfo(inside), file.read())

def compiled(folder, root, place, optimize):
    # Without a look at the source: times are not kept, and nobody changes it here.
    compileall.compile_dir(
        folder, quiet=1, optimize=optimize, force=True, legacy=True, stripdir=root, prependdir=place,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )

def unpack(name, place):
    root = "/" + name
    os.makedirs(root)
    shutil.unpack_archive(root + ".zip", root)
    # Documentation, which nobody reads there, is an eighth of the memory. MPyC is what it is everywhere.
    compiled(root, root, place, optimize=2)
    if os.path.isdir(root + "/mpyc"):
        compiled(root + "/mpyc", root, place, optimize=0)

def module(path):
    return path.rsplit(".", 1)[0].replace("/", ".").removesuffix(".__init__")

def kept(name, loaded):
    "What of an archive is not in the memory; sources where they are smaller than bytecode, or are shown."
    def wanted(path):
        if path.startswith("mpyc/"):
            return True
        # A package's files of other kinds are found by its __init__.
        if path.endswith((".py", ".pyc")) and module(path) in loaded and "__init__." not in path:
            return False
        return not path.endswith(".pyc" if name == "stdlib" else ".py")
    return wanted

def shown(path):
    "All of an archive, but for sources that nobody is shown."
    return path.startswith("mpyc/") or not path.endswith(".py")
`;

/** Python with compiled archives, which has imported all that is in the memory. */
async function prepared(archives) {
  const zero = (view) => (new Uint8Array(view.buffer, view.byteOffset, view.byteLength).fill(0), view);
  createRequire(import.meta.url)("node:crypto").randomFillSync = zero;
  globalThis.crypto.getRandomValues = zero;
  Date.now = () => Date.UTC(2026, 0, 1);
  performance.now = () => 0;
  // Every browser that gets this can wait for promises, and Python remembers whether it can; nothing waits here.
  WebAssembly.Suspending ??= function (called) {
    return called;
  };
  WebAssembly.promising ??= (called) => called;
  const stdLibURL = join(await mkdtemp(join(tmpdir(), "huddle-python-")), "stdlib.zip");
  await writeFile(stdLibURL, archives.stdlib);
  const api = await loadPyodide({ stdLibURL, env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0" }, _makeSnapshot: true });
  await rm(dirname(stdLibURL), { recursive: true });
  api.FS.writeFile(ZIPS.site, archives.site);
  // Not of this Node.js but of the browser that restores it, which puts its own there (src/core/python.ts).
  const { HEAP32, __PyRuntime, __PyEM_EMSCRIPTEN_TRAMPOLINE_OFFSET: offset } = api._module;
  HEAP32[(__PyRuntime + HEAP32[offset >> 2]) >> 2] = 0;
  api.runPython(`
import sys; sys.path.append(${JSON.stringify(ZIPS.site)})
import huddle.browser.preload; huddle.browser.preload.prepare()
# The archives will be others.
import zipimport; zipimport._zip_directory_cache.clear(); sys.path_importer_cache.clear()
`);
  return api;
}

const api = await loadPyodide();
api.FS.writeFile("/site.zip", await readFile(site));
api.FS.writeFile("/stdlib.zip", await readFile("node_modules/pyodide/python_stdlib.zip"));
api.runPython(ARCHIVES);
const compiled = {};
for (const [name, place] of Object.entries(ZIPS)) {
  api.runPython(`
unpack("${name}", "${place}")
pack("/${name}", "/${name}-compiled.zip", lambda path: not path.endswith(".py"))
`);
  compiled[name] = api.FS.readFile(`/${name}-compiled.zip`);
}
const image = await prepared(compiled);
const loaded = image.runPython("import sys; ' '.join(sys.modules)");
await writeFile(memory, image.makeMemorySnapshot());
for (const [name, target] of [["site", site], ["stdlib", stdlib]]) {
  api.runPython(`pack("/${name}", "/${name}.zip", kept("${name}", set("${loaded}".split())))`);
  await writeFile(target, api.FS.readFile(`/${name}.zip`));
  api.runPython(`pack("/${name}", "/${name}-whole.zip", shown)`);
  await writeFile(target.replace(".zip", "-whole.zip"), api.FS.readFile(`/${name}-whole.zip`));
}
