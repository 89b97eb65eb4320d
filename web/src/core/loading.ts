/**
 * Files that are fetched while somebody waits, and how far that is, in bytes as they come over the line.
 *
 * What arrives is counted as it is without compression, whose size the build knows; a server that says how long its
 * compressed answer is gives the measure in which a person with a slow line thinks.
 */
import { kept } from "./kept-files";

/** Bytes on the line after which it is known how fast that is: a new connection is slow at first. */
const SAMPLE = 300_000;
/** By how much files become smaller by compression; the page's own do. */
const USUAL = 4;
/** At most so often, in milliseconds, is it told how far it is. */
const STEP = 200;

export class Loading {
  private readonly files: { got: number; size: number; onLine: number }[] = [];
  private told = 0;
  private begun = 0;
  private expected = 0;
  private readonly measured = Promise.withResolvers<number>();
  /** How fast the line is, in bytes a millisecond; once the first of a file is here. */
  readonly speed = this.measured.promise;

  /** `tell`: which part is here, of how many bytes on the line. */
  constructor(private readonly tell: (done: number, total: number) => void) {}

  /** There will be more, of so many bytes without compression; it is known later which files. */
  expect(size: number): void {
    this.expected = size / USUAL;
  }

  /** A file, which has so many bytes without compression: the one that was kept at a former visit, or fetched. */
  async get(address: string, size: number): Promise<Blob> {
    const file = { got: 0, size, onLine: size / USUAL };
    this.files.push(file);
    const here = await kept(address);
    if (here) {
      file.got = size;
      this.measured.resolve(Infinity);
      return here;
    }
    const response = await fetch(address);
    if (!response.ok || !response.body) throw new Error(`${new URL(address, location.href).pathname} can't be loaded: HTTP ${response.status}`);
    const length = Number(response.headers.get("content-length"));
    if (length > 0) file.onLine = length;
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, to) => {
          this.begun ||= performance.now();
          file.got += chunk.length;
          this.measure();
          to.enqueue(chunk);
          this.say(false);
        },
      }),
    );
    const type = response.headers.get("content-type") ?? "";
    const blob = await new Response(counted, { headers: { "content-type": type } }).blob();
    this.say(true);
    // A small file, or one that was kept here, says no more.
    this.measured.resolve(Infinity);
    return blob;
  }

  private measure(): void {
    const bytes = this.files.reduce((sum, file) => sum + (file.got / file.size) * file.onLine, 0);
    if (bytes >= SAMPLE) this.measured.resolve(bytes / (performance.now() - this.begun));
  }

  private say(now: boolean): void {
    const at = performance.now();
    if (!now && at - this.told < STEP) return;
    this.told = at;
    const total = this.files.reduce((sum, file) => sum + file.onLine, this.expected);
    const done = this.files.reduce((sum, file) => sum + Math.min(1, file.got / Math.max(1, file.size)) * file.onLine, 0);
    this.tell(Math.min(1, done / Math.max(1, total)), total);
  }
}
