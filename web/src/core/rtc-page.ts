/**
 * RTCPeerConnection, which workers don't have, as the session worker wants it. What is said is in `rtc.ts`.
 *
 * Nothing of a link passes here: a data channel goes to a worker as soon as it is made. That is the session worker
 * where the page has the connection, and the runner's where its frame has it (`frame.ts`). Where a
 * browser can't transfer it to the session worker, its messages are pumped through a port.
 */
import type { Counted, FromPage, Pumped, ToPage, Way } from "./rtc";

interface Made {
  pc: RTCPeerConnection;
  over: boolean;
  way: Way | undefined;
}

type What = { id: number; made: number } | { id: number; came: string };

/** Gives a channel that was made just now to whom it is for. */
export type Hand = (what: What, channel: RTCDataChannel, tell: Tell, way: Way | undefined) => void;

type Tell = (message: FromPage, transfer?: Transferable[]) => void;

const MOST_BUFFERED = 1 << 20;

export class Connections {
  private readonly made = new Map<number, Made>();

  /** `hand` gets each channel; `onOver` hears of a connection that is gone. */
  constructor(
    private readonly session: MessagePort,
    private readonly hand: Hand,
    private readonly onOver: (way: Way | undefined) => void = () => undefined,
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
      this.open(said.open, said.servers, said.way);
      return;
    }
    const id = "describe" in said ? said.describe : "answer" in said ? said.answer : "candidate" in said ? said.candidate : "make" in said ? said.make : "count" in said ? said.count : said.close;
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
        this.hand({ id, made: said.number }, pc.createDataChannel(said.label), this.tell, one.way);
      } catch (error) {
        // Some browsers close it without a word.
        if (pc.connectionState === "closed") this.over(id, one, "the connection is closed");
        else failed(error);
      }
    } else if ("count" in said) {
      void measured(pc).then((counted) => this.tell({ id, counted }));
    } else {
      this.made.delete(id);
      pc.close();
      this.onOver(one.way);
    }
  }

  private open(id: number, servers: RTCIceServer[], way: Way | undefined): void {
    let pc: RTCPeerConnection;
    try {
      pc = new RTCPeerConnection({ iceServers: servers });
    } catch (error) {
      this.tell({ id, over: error instanceof Error ? error.message : String(error) });
      return;
    }
    const one = { pc, over: false, way };
    this.made.set(id, one);
    // A description names the channel's transport only where there is a channel.
    this.hand({ id, made: 0 }, pc.createDataChannel("control", { negotiated: true, id: 0 }), this.tell, way);
    pc.onicecandidate = ({ candidate }) => this.tell({ id, found: candidate?.candidate ?? "" });
    pc.ondatachannel = ({ channel }) => this.hand({ id, came: channel.label }, channel, this.tell, way);
    pc.onconnectionstatechange = () => {
      const state = pc.connectionState;
      if (state === "connected") this.paired(id, pc);
      // A new wire is there sooner than an old one comes back; the link goes on over it.
      else if (state === "disconnected") this.over(id, one, "nothing is heard any more");
      else if (state === "failed" || state === "closed") this.over(id, one, "the connection failed");
    };
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
    this.onOver(one.way);
  }

  private readonly tell: Tell = (message, transfer = []) => this.session.postMessage(message, transfer);
}

/** Gives channels to the session worker itself; `pumped`: as in a browser that can't transfer them. */
export function toSession(pumped: boolean): Hand {
  return (what, channel, tell) => {
    if (!pumped) {
      try {
        tell({ ...what, end: channel }, [channel as unknown as Transferable]);
        return;
      } catch (error) {
        if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
      }
    }
    const { port1, port2 } = new MessageChannel();
    pump(channel, port1);
    tell({ ...what, end: port2 }, [port2]);
  };
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

/** What data channels of a connection have brought, whether somebody has looked at it or not, and the round trip. */
async function measured(pc: RTCPeerConnection): Promise<Counted> {
  const counted: Counted = { bytes: 0, rtt: undefined };
  for (const one of (await pc.getStats()).values() as Iterable<RTCStats & Partial<RTCIceCandidatePairStats>>) {
    if (one.type === "data-channel") counted.bytes += one.bytesReceived ?? 0;
    else if (one.type === "candidate-pair" && one.nominated && one.state === "succeeded") counted.rtt = one.currentRoundTripTime;
  }
  return counted;
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
