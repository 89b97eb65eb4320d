/** A server that serves the honest page, and lies about the rooms: one that a person's link leads to. */
import { spawn } from "node:child_process";
import { createServer, request, type IncomingMessage } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "./browser";

export async function hostile(honest: string): Promise<{ url: string; end: () => void }> {
  const liar = spawn(join(ROOT, ".venv/bin/python"), ["-m", "web.tests.hostile", honest], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: liar.stdout })[Symbol.asyncIterator]();
  const rooms = Number(new URL((await lines.next()).value as string).port);
  const server = createServer((asked, answer) => {
    const there = request(new URL(asked.url ?? "/", honest), { headers: asked.headers, method: asked.method ?? "GET" }, (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.pipe(answer);
    });
    there.on("error", () => answer.destroy());
    asked.pipe(there);
  });
  server.on("upgrade", (asked: IncomingMessage, socket) => {
    const there = connect(rooms, "127.0.0.1", () => {
      const headers = asked.rawHeaders.map((part, i) => (i % 2 ? `${part}\r\n` : `${part}: `)).join("");
      there.write(`GET ${asked.url} HTTP/1.1\r\n${headers}\r\n`);
      there.pipe(socket).pipe(there);
    });
    for (const [one, other] of [[there, socket], [socket, there]] as const) one.on("error", () => other.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const end = (): void => {
    server.close();
    server.closeAllConnections();
    liar.stdin.end();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, end };
}
