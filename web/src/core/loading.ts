/**
 * Files that are fetched while somebody waits, and how far that is, in bytes as they come over the line.
 *
 * What arrives is counted as it is without compression, whose size the build knows; a server that says how long its
 * compressed answer is gives the measure in which a person with a slow line thinks.
 */

/** At most so often, in milliseconds, is it told how far it is. */
const STEP = 200;

export class Loading {
  private readonly files: { got: number; size: number; onLine: number }[] = [];
  private told = 0;

  /** `tell`: which part is here, of how many bytes on the line. */
  constructor(private readonly tell: (done: number, total: number) => void) {}

  /** Fetch a file, which has so many bytes without compression. */
  async get(address: string, size: number): Promise<Blob> {
    const file = { got: 0, size, onLine: size };
    this.files.push(file);
    const response = await fetch(address);
    if (!response.ok || !response.body) throw new Error(`${new URL(address, location.href).pathname} can't be loaded: HTTP ${response.status}`);
    const length = Number(response.headers.get("content-length"));
    if (length > 0) file.onLine = length;
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, to) => {
          file.got += chunk.length;
          to.enqueue(chunk);
          this.say(false);
        },
      }),
    );
    const type = response.headers.get("content-type") ?? "";
    const blob = await new Response(counted, { headers: { "content-type": type } }).blob();
    this.say(true);
    return blob;
  }

  private say(now: boolean): void {
    const at = performance.now();
    if (!now && at - this.told < STEP) return;
    this.told = at;
    const total = this.files.reduce((sum, file) => sum + file.onLine, 0);
    const done = this.files.reduce((sum, file) => sum + Math.min(1, file.got / Math.max(1, file.size)) * file.onLine, 0);
    this.tell(Math.min(1, done / Math.max(1, total)), total);
  }
}
