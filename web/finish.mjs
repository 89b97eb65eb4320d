// Puts beside each file of dist/ its compressed forms (.br, .gz), and SHA256SUMS of the files themselves.
//
// Compressing WebAssembly as far as it goes takes half a minute, so what was compressed before is kept in
// build/compressed, by the hash of what it was made of.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const DIST = "dist";
const KEPT = "build/compressed";
/** Below it a header costs more than it saves. */
const WORTH = 1024;
const PLAIN = process.argv.includes("--plain");
const COMPRESSED = /\.(png|br|gz)$/;

const FORMS = {
  br: (data) =>
    promisify(brotliCompress)(data, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
        [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
      },
    }),
  gz: (data) => promisify(gzip)(data, { level: 9 }),
};

async function compressed(hash, data, form) {
  const kept = join(KEPT, `${hash}.${form}`);
  try {
    await readFile(kept);
  } catch {
    await writeFile(`${kept}.new`, await FORMS[form](data));
    await rename(`${kept}.new`, kept);
  }
  return kept;
}

async function finish(path) {
  const data = await readFile(path);
  const hash = createHash("sha256").update(data).digest("hex");
  if (!PLAIN && data.length >= WORTH && !COMPRESSED.test(path)) {
    await Promise.all(
      Object.keys(FORMS).map(async (form) => copyFile(await compressed(hash, data, form), `${path}.${form}`)),
    );
  }
  return `${hash}  ${relative(DIST, path)}\n`;
}

await mkdir(KEPT, { recursive: true });
const entries = await readdir(DIST, { recursive: true, withFileTypes: true });
const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
const lines = await Promise.all(paths.sort().map(finish));
await writeFile(join(DIST, "SHA256SUMS"), lines.join(""));
