/**
 * The one script of a runner's frame, which its document names by hash: it starts a worker and stays a
 * mere relay. The frame has an opaque origin and no network; so has the worker.
 */
addEventListener("message", (event: MessageEvent) => {
  if (event.source !== parent) return;
  const { code, start, ports } = event.data as { code: Blob; start: unknown; ports: MessagePort[] };
  const worker = new Worker(URL.createObjectURL(code));
  worker.onerror = (problem) => parent.postMessage({ failed: String(problem.message).slice(0, 500) }, "*");
  worker.postMessage(start, ports);
});
parent.postMessage({ loaded: true }, "*");
