/** The packages of one session's programs, as the page hands them from the worker that fetches them to runners. */
import type { Given, Order } from "./packages";

/** From the session worker: have these ready, for whoever is at the other end of the port if there is one. */
export interface Needs {
  needs: string[];
  to: MessagePort | undefined;
  /** It is only asked what there is: the run comes later. */
  seeking: boolean;
}

export class Provider {
  private readonly asked = new Map<string, Promise<Given>>();
  private readonly told = new Set<string>();

  constructor(
    private readonly worker: string,
    private readonly list: string,
    private readonly onMissing: (name: string, reason: string) => void,
  ) {}

  /** Fetches each set of names once; what a run did not get is asked for anew for the next one. */
  async provide({ needs, to, seeking }: Needs): Promise<void> {
    const key = needs.join();
    const asked = this.asked.get(key) ?? this.fetch(needs);
    this.asked.set(key, asked);
    const given = await asked;
    if (!to) return;
    if (!seeking && Object.keys(given.missing).length > 0) this.asked.delete(key);
    to.postMessage(given);
    to.close();
  }

  private async fetch(imports: string[]): Promise<Given> {
    const worker = new Worker(this.worker);
    try {
      const given = await new Promise<Given>((resolve, reject) => {
        worker.onmessage = (event: MessageEvent<Given>) => resolve(event.data);
        worker.onerror = (event) => reject(new Error(event.message || "the page's own script for it can't be loaded"));
        const address = (place: string): string => new URL(place, document.baseURI).href;
        worker.postMessage({ imports, list: address(this.list), packages: address("packages/") } satisfies Order);
      }).catch((error: unknown): Given => ({ wheels: [], missing: Object.fromEntries(imports.map((name) => [name, String(error)])) }));
      for (const [name, reason] of Object.entries(given.missing)) {
        if (!this.told.has(name)) this.onMissing(name, reason);
        this.told.add(name);
      }
      return given;
    } finally {
      worker.terminate();
    }
  }
}
