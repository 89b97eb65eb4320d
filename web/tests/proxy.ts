/** A proxy before a server, so that a test has the bytes of each connection in its hands. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Proxy {
  url: string;
  close: () => void;
}

/** `joined` passes on what comes from `near`, the client, and from `far`, the server; `near` takes `far` down with it. */
export async function proxy(server: string, joined: (near: Socket, far: Socket) => void): Promise<Proxy> {
  const { hostname, port } = new URL(server);
  const listener = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.setNoDelay();
      one.on("error", () => other.destroy());
    }
    near.on("close", () => far.destroy());
    joined(near, far);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`, close: () => listener.close() };
}
