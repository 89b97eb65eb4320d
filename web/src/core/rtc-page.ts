/**
 * The page's part of WebRTC: RTCPeerConnection, which workers don't have. What is said is in `rtc.ts`.
 *
 * Nothing of a link passes here: a data channel goes to the session worker as soon as it is made. Where a
 * browser can't transfer it, its messages are pumped through a port.
 */
import type { FromPage, Pumped, ToPage } from "./rtc";

interface Made {
  pc: RTCPeerConnection;
  over: boolean;
}

const MOST_BUFFERED = 1 << 20;

export class Connections {
  private readonly made = new Map<number, Made>();

  /** `pumped`: as in a browser that can't transfer data channels. */
  constructor(
    private readonly session: MessagePort,
    private readonly pumped = false,
  ) {
    session.onmessage = ({ data }: MessageEvent<ToPage>) => this.asked(data);
    addEventListener("online", this.moved);
  }

  close(): void {
    removeEventListener("online", this.moved);
    for (const { pc } of this.made.values()) pc.close();
    this.made.clear();
    this.session.close();
  }

  /** There is a network again, mostly another one: new wires are there sooner than the old ones time out. */
  private readonly moved = (): void => {
    for (const [id, one] of this.made) {
      this.over(id, one, "the network has changed");
      one.pc.close();
    }
  };

  private asked(said: ToPage): void {
    if ("open" in said) {
      this.open(said.open, said.servers);
      return;
    }
    const id = "describe" in said ? said.describe : "answer" in said ? said.answer : "candidate" in said ? said.candidate : "make" in said ? said.make : said.close;
    const one = this.made.get(id);
    if (!one || one.over) return;
    const { pc } = one;
    const failed = (error: unknown): void => this.over(id, one, error instanceof Error ? error.message : String(error));
    if ("describe" in said) {
      pc.createOffer().then(async (offer) => {
        await pc.setLocalDescription(offer);
        this.tell({ id, described: offer.sdp ?? "" });
      }, failed);
    } else if ("answer" in said) {
      pc.setRemoteDescription({ type: "answer", sdp: said.sdp }).catch(failed);
    } else if ("candidate" in said) {
      // One that this browser can't use is no reason to give up.
      pc.addIceCandidate({ candidate: said.line, sdpMid: "0" }).catch(() => undefined);
    } else if ("make" in said) {
      try {
        this.hand({ id, made: said.number }, pc.createDataChannel(said.label));
      } catch (error) {
        // Some browsers close it without a word.
        if (pc.connectionState === "closed") this.over(id, one, "the connection is closed");
        else failed(error);
      }
    } else {
      this.made.delete(id);
      pc.close();
    }
  }

  private open(id: number, servers: RTCIceServer[]): void {
    let pc: RTCPeerConnection;
    try {
      pc = new RTCPeerConnection({ iceServers: servers });
    } catch (error) {
      this.tell({ id, over: error instanceof Error ? error.message : String(error) });
      return;
    }
    const one = { pc, over: false };
    this.made.set(id, one);
    // A description names the channel's transport only where there is a channel.
    this.hand({ id, made: 0 }, pc.createDataChannel("control", { negotiated: true, id: 0 }));
    pc.onicecandidate = ({ candidate }) => this.tell({ id, found: candidate?.candidate ?? "" });
    pc.ondatachannel = ({ channel }) => this.hand({ id, came: channel.label }, channel);
    pc.onconnectionstatechange = () => {
      const state = pc.connectionState;
      if (state === "connected") this.paired(id, pc);
      // A new wire is there sooner than an old one comes back; the link goes on over it.
      else if (state === "disconnected") this.over(id, one, "nothing is heard any more");
      else if (state === "failed" || state === "closed") this.over(id, one, "the connection failed");
    };
  }

  /** Give the worker a channel that was made just now. */
  private hand(what: { id: number; made: number } | { id: number; came: string }, channel: RTCDataChannel): void {
    if (!this.pumped) {
      try {
        this.tell({ ...what, end: channel }, [channel as unknown as Transferable]);
        return;
      } catch (error) {
        if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
      }
    }
    const { port1, port2 } = new MessageChannel();
    pump(channel, port1);
    this.tell({ ...what, end: port2 }, [port2]);
  }

  private paired(id: number, pc: RTCPeerConnection): void {
    const look = (): void => {
      void selected(pc).then((pair) => {
        if (pair) this.tell({ id, pair });
      });
    };
    const ice = pc.sctp?.transport.iceTransport;
    if (ice) ice.onselectedcandidatepairchange = look;
    look();
  }

  private over(id: number, one: Made, reason: string): void {
    if (one.over) return;
    one.over = true;
    this.tell({ id, over: reason });
  }

  private tell(message: FromPage, transfer: Transferable[] = []): void {
    this.session.postMessage(message, transfer);
  }
}

interface CandidateStats {
  address?: string | null;
  port?: number;
  candidateType?: string;
}

/** The candidates on which a connection has settled, written as in a description. */
async function selected(pc: RTCPeerConnection): Promise<{ local: string; remote: string } | undefined> {
  const pair = pc.sctp?.transport.iceTransport.getSelectedCandidatePair?.();
  if (pair?.local && pair.remote) return { local: pair.local.candidate, remote: pair.remote.candidate };
  const stats = await pc.getStats();
  for (const one of stats.values() as Iterable<RTCIceCandidatePairStats>) {
    if (one.type !== "candidate-pair" || !one.nominated || one.state !== "succeeded") continue;
    const line = (id: string): string => {
      const { address, port, candidateType } = (stats.get(id) ?? {}) as CandidateStats;
      return `candidate:0 1 UDP 1 ${address ?? "unknown"} ${port ?? 9} typ ${candidateType ?? "host"}`;
    };
    return { local: line(one.localCandidateId), remote: line(one.remoteCandidateId) };
  }
  return undefined;
}

/** Messages to and fro between a channel and the port of whoever has it. */
function pump(channel: RTCDataChannel, port: MessagePort): void {
  const waiting: ArrayBuffer[] = [];
  let closing = false;
  const say = (message: Pumped): void => port.postMessage(message, message instanceof ArrayBuffer ? [message] : []);
  const flush = (): void => {
    while (waiting.length > 0 && channel.readyState === "open" && channel.bufferedAmount < MOST_BUFFERED) {
      const data = waiting.shift()!;
      const sent = data.byteLength;
      channel.send(data);
      say({ sent });
    }
    if (closing && waiting.length === 0) channel.close();
  };
  channel.binaryType = "arraybuffer";
  channel.bufferedAmountLowThreshold = MOST_BUFFERED / 2;
  channel.onbufferedamountlow = flush;
  channel.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data === "string") channel.close();
    else say(data);
  };
  channel.onopen = () => {
    say({ open: true });
    flush();
  };
  channel.onclose = () => {
    say({ closed: true });
    port.close();
  };
  port.onmessage = ({ data }: MessageEvent<ArrayBuffer | { close: true }>) => {
    if (data instanceof ArrayBuffer) {
      waiting.push(data);
    } else {
      closing = true;
    }
    flush();
  };
  if (channel.readyState === "open") say({ open: true });
}
