// Makes the archives of the browser's Python: its standard library, and a site.zip with what it would else
// compile at every start, Python's own bytecode.
//
//   node compile.mjs build/site.zip build/python_stdlib.zip
//
// Nothing in them is compressed, since a server does that better for the whole; names are sorted and times
// left out, so that the same sources give the same bytes.
import { readFile, writeFile } from "node:fs/promises";
import { loadPyodide } from "pyodide";

const [site, stdlib] = process.argv.slice(2);
const api = await loadPyodide();
api.FS.writeFile("/site.zip", await readFile(site));
api.FS.writeFile("/python_stdlib.zip", await readFile("node_modules/pyodide/python_stdlib.zip"));
api.runPython(`
import compileall, os, py_compile, shutil, zipfile

def pack(folder, target):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                full = os.path.join(path, name)
                with open(full, "rb") as file:
                    archive.writestr(zipfile.ZipInfo(os.path.relpath(full, folder)), file.read())

for name in ("site", "python_stdlib"):
    os.makedirs("/" + name)
    shutil.unpack_archive(f"/{name}.zip", "/" + name)
# Without a look at the source: times are not kept, and nobody changes it here.
compileall.compile_dir(
    "/site", quiet=1, legacy=True, stripdir="/site", prependdir="/lib/huddle.zip",
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
pack("/site", "/site.zip")
pack("/python_stdlib", "/python_stdlib.zip")
`);
await writeFile(site, api.FS.readFile("/site.zip"));
await writeFile(stdlib, api.FS.readFile("/python_stdlib.zip"));
