import { written } from "./purpose";

/** The programs that come with Huddle, each described by its own docstring. */

const sources = import.meta.glob("../../../../programs/*.py", { query: "?raw", import: "default", eager: true }) as Record<
  string,
  string
>;

/** What they read, under the same name. */
const beside = import.meta.glob("../../../../programs/*.json", { query: "?raw", import: "default" }) as Record<
  string,
  () => Promise<string>
>;

export interface Sample {
  path: string;
  title: string;
  summary: string;
  source: string;
  /** By name, the files that travel with it. */
  data: () => Promise<Record<string, string>>;
}

/** Words of file names that are no words of sentences. */
const ACRONYMS = new Set(["cnn", "mnist", "aes", "id3", "lp", "rsa", "dsa", "svm", "pca", "sha3"]);

/** A title from a file's name, as `CNN MNIST` from `cnn_mnist.py`. */
export function titleOf(name: string): string {
  const words = name.replace(/\.py$/, "").split("_").map((word) => (ACRONYMS.has(word) ? word.toUpperCase() : word));
  const title = words.join(" ");
  return title.charAt(0).toUpperCase() + title.slice(1);
}

export const gallery: Sample[] = Object.entries(sources).map(([path, source]) => {
  const name = path.split("/").at(-1) ?? path;
  const docstring = source.match(/^"""(.*?)"""/s)?.[1] ?? "";
  const title = written(source, "title") || titleOf(name);
  return {
    path: name,
    title,
    summary: docstring.split("\n\n", 1)[0]?.replaceAll("\n", " ") ?? "",
    source,
    data: async () => {
      const place = path.replace(/\.py$/, ".json");
      const load = beside[place];
      return load ? { [place.split("/").at(-1)!]: await load() } : {};
    },
  };
});

export const TEMPLATE = `from mpyc.runtime import mpc

secint = mpc.SecInt(32)


async def main():
    mine = int(input("Your number: "))
    await mpc.start()
    numbers = mpc.input(secint(mine))
    print("The sum is", await mpc.output(mpc.sum(numbers)))
    await mpc.shutdown()


mpc.run(main())
`;
