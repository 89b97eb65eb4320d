/** A program that tries to get out of its frame, in ways that a browser has. */

/** How many of them there are. */
export const TRIED = 16;

export const PROBE = `
import sys
from mpyc.runtime import mpc

def tried(name, attempt):
    try:
        result = attempt()
    except BaseException as error:
        print(name, "refused", type(error).__name__, flush=True)
    else:
        print(name, "REACHED", result, flush=True)

if sys.platform == "emscripten":
    import asyncio
    import js
    from pyodide.ffi import create_proxy, run_sync
    from pyodide.webloop import WebLoop

    def wait_for(ask):
        asyncio._set_running_loop(WebLoop())
        try:
            return run_sync(ask())
        finally:
            asyncio._set_running_loop(None)

    def socket():
        made = js.WebSocket.new(sys.argv[1].replace("http", "ws") + "/v2/rooms/" + "0" * 32)
        wait_for(lambda: js.Promise.new(create_proxy(lambda done, _: js.setTimeout(done, 500))))
        if made.readyState != 1:
            raise OSError("not open")

    def request():
        made = js.XMLHttpRequest.new()
        made.open("GET", sys.argv[1] + "/healthz", False)
        made.send()
        return made.status

    def asked(_):
        # A worker within: it would have the same policy, and must not answer with what a page reaches.
        made = js.Worker.new(sys.argv[1] + "/sw.js")
        came = wait_for(lambda: js.Promise.new(create_proxy(lambda done, _: (
            setattr(made, "onerror", create_proxy(lambda event: done("refused"))),
            setattr(made, "onmessage", create_proxy(lambda event: done("reached"))),
            js.setTimeout(done, 1000, "silent"),
        ))))
        if came != "reached":
            raise OSError(came)
        return came

    def opened():
        wait_for(lambda: js.caches.open("x"))

    tried("fetch", lambda: wait_for(lambda: js.fetch(sys.argv[1] + "/healthz")).status)
    tried("XMLHttpRequest", request)
    tried("WebSocket", socket)
    tried("importScripts", lambda: js.importScripts(sys.argv[1] + "/x.js"))
    tried("eval", lambda: js.eval("1"))
    tried("indexedDB", lambda: js.indexedDB.open("huddle"))
    tried("caches", opened)
    tried("storage", lambda: wait_for(lambda: js.navigator.storage.getDirectory()))
    tried("RTCPeerConnection", lambda: js.RTCPeerConnection.new())
    tried("localStorage", lambda: js.localStorage.length)
    tried("cookies", lambda: js.document.cookie)
    tried("origin", lambda: 1 / (js.origin != "null"))
    tried("worker", lambda: asked("new Worker"))
    tried("page", lambda: js.parent.document.title)
    tried("opener", lambda: js.top.location.href)
    tried("packages", lambda: wait_for(lambda: js.fetch("/packages/pyodide-lock.json")).status)
    print("own file:", open("own.txt").read() if "--mine" in sys.argv else "none")
    print("own arguments:", *sys.argv[sys.argv.index("--mine") if "--mine" in sys.argv else len(sys.argv):])

with open("left.txt", "w") as file:
    file.write("behind")

async def main():
    await mpc.start()
    print("sum", await mpc.output(mpc.sum(mpc.input(mpc.SecInt()(3)))))
    await mpc.shutdown()

mpc.run(main())
`;
