// Adds to a site.zip what the browser's Python would else compile at every start: Python's own bytecode.
//
//   node compile.mjs build/site.zip
import { readFile, writeFile } from "node:fs/promises";
import { loadPyodide } from "pyodide";

const [path] = process.argv.slice(2);
const api = await loadPyodide();
api.FS.writeFile("/site.zip", await readFile(path));
api.runPython(`
import compileall, os, py_compile, shutil, zipfile
os.makedirs("/site")
shutil.unpack_archive("/site.zip", "/site")
# Without a look at the source: times are not kept, and nobody changes it here.
compileall.compile_dir(
    "/site", quiet=1, stripdir="/site", prependdir="/lib/python3.14/site-packages",
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
with zipfile.ZipFile("/site.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for folder, folders, names in sorted(os.walk("/site")):
        for name in sorted(names):
            full = os.path.join(folder, name)
            info = zipfile.ZipInfo(os.path.relpath(full, "/site"))
            with open(full, "rb") as file:
                archive.writestr(info, file.read(), zipfile.ZIP_DEFLATED)
`);
await writeFile(path, api.FS.readFile("/site.zip"));
