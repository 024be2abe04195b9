/** A client of Stoa's realtime gateway: one socket that comes back, channels that resume, typed frames. */
import { FIRST_FINAL, SUBPROTOCOL, type Event, type ServerFrame, type Subscribe, type Subscribed } from "./frames.js";

export * from "./frames.js";

export type State = "connecting" | "open" | "waiting" | "ended";

export interface Options {
  /** Such as `wss://rt.example.org/ws`. */
  url: string;
  /** `POST /api/v1/realtime/ticket`, asked for each connection and a minute before a token ends: renew an access token
   * that has hardly more than that left first. Rejected: asked again after a pause. Null: nobody is signed in any more. */
  ticket: () => Promise<string | null>;
  /** One event. Durable ones come exactly once and in order; those whose offset is null may be missed. */
  onEvent: (event: Event) => void;
  /** Load what you show of this channel, then apply the events that follow: it is new, or too much was missed. */
  onLoad?: (channel: string) => void;
  /** The channel is not heard: refused, or the right to it ended. */
  onLost?: (channel: string, code: string) => void;
  /** Closed with 3500 or above: coming back would end the same. */
  onFinal?: (code: number, reason: string) => void;
  onState?: (state: State) => void;
  /** A callback threw. What comes after is taken all the same; without this it is thrown on, outside. */
  onFault?: (error: unknown) => void;
  /** After so long a silence the gateway is asked whether it is there; after as long again the socket is given up. */
  heartbeatMs?: number;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
const RETRY_MS = 1_000;
const HEARTBEAT_MS = 25_000;
/** As many as a channel's history holds: what is older cannot come again. */
const IDS_KEPT = 512;

interface Position {
  epoch: string;
  offset: number;
}

interface Channel {
  position: Position | null;
  /** A position was sent and not answered: what comes before the answer will come again, or is told by onLoad. */
  resuming: boolean;
  /** Of the events told last. A gateway that lost its history may say one again, under another offset. */
  readonly ids: Set<string>;
}

function newChannel(): Channel {
  return { position: null, resuming: false, ids: new Set() };
}

export class RealtimeClient {
  private readonly channels = new Map<string, Channel>();
  private socket: WebSocket | null = null;
  private own = "";
  private ownAsked = false;
  private failures = 0;
  private stopped = true;
  /** Which call of connect() counts: one that waits for its ticket may have been overtaken. */
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private silent = false;

  constructor(private readonly options: Options) {}

  start(): void {
    if (this.stopped) {
      this.stopped = false;
      void this.connect();
    }
  }

  /** Channels and positions are kept: start() resumes. */
  stop(): void {
    if (this.stopped) return;
    this.end();
  }

  /** onLoad and then events follow as soon as there is a connection, and after each break. */
  subscribe(channel: string): void {
    if (!this.channels.has(channel)) {
      const made = newChannel();
      this.channels.set(channel, made);
      if (this.own) this.ask(channel, made);
    }
  }

  /** Of the own channel there is no end. */
  unsubscribe(channel: string): void {
    if (channel === this.own) return;
    if (this.channels.delete(channel) && this.own) this.send({ op: "unsubscribe", channel });
  }

  private async connect(): Promise<void> {
    const attempt = ++this.attempt;
    this.tell("connecting");
    let ticket: string | null;
    try {
      ticket = await this.options.ticket();
    } catch {
      if (attempt === this.attempt) this.later("");
      return;
    }
    if (attempt !== this.attempt) return;
    if (ticket === null) this.end();
    else this.open(ticket);
  }

  private open(ticket: string): void {
    const socket = new WebSocket(this.options.url, [SUBPROTOCOL]);
    this.socket = socket;
    socket.onopen = () => this.send({ op: "auth", ticket });
    socket.onmessage = (message: MessageEvent<string>) => {
      this.silent = false;
      for (const line of message.data.split("\n")) {
        if (line && this.socket === socket) this.take(JSON.parse(line) as ServerFrame);
      }
    };
    socket.onerror = () => undefined; // onclose follows; where sockets are emitters, what nobody hears is thrown
    socket.onclose = (closed) => this.closed(closed.code, closed.reason);
    this.silent = false;
    this.heartbeat = setInterval(() => this.beat(), this.options.heartbeatMs ?? HEARTBEAT_MS);
  }

  /** A browser shows nobody the gateway's own pings, and a connection that died on the way makes no sound. */
  private beat(): void {
    if (this.silent) {
      this.closed(1006, "");
      return;
    }
    this.silent = true;
    this.send({ op: "ping" });
  }

  private closed(code: number, reason: string): void {
    this.abandon();
    if (code < FIRST_FINAL) {
      this.later(reason);
      return;
    }
    this.end();
    this.call(() => this.options.onFinal?.(code, reason));
  }

  private end(): void {
    this.stopped = true;
    this.attempt += 1;
    clearTimeout(this.timer);
    this.abandon();
    this.tell("ended");
  }

  /** Whatever it still says is not heard: over a dead connection even the end of a socket can take minutes. */
  private abandon(): void {
    clearInterval(this.heartbeat);
    const socket = this.socket;
    this.socket = null;
    this.own = "";
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  /** Full jitter, or what a gateway that shuts down asks for. */
  private later(reason: string): void {
    this.tell("waiting");
    if (this.stopped) return; // by who was told
    const asked = /retry after (\d+)/.exec(reason);
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.failures, 16));
    this.failures += 1;
    this.timer = setTimeout(() => void this.connect(), asked ? Number(asked[1]) : Math.random() * most);
  }

  /** What is not known is skipped: a newer gateway says more. */
  private take(frame: ServerFrame): void {
    switch (frame.op) {
      case "ready":
        this.ready(frame.user_id);
        break;
      case "subscribed":
        this.subscribed(frame);
        break;
      case "event":
        this.event(frame);
        break;
      case "unsubscribed":
        // Asked for: it is no longer there, or was subscribed again meanwhile.
        if (frame.reason !== "asked" && this.channels.has(frame.channel)) this.lose(frame.channel, frame.reason);
        break;
      case "refresh":
        void this.renew();
        break;
      case "error":
        if (frame.about === "subscribe" && frame.channel !== null) this.refused(frame.channel, frame.code);
        break;
      case "pong":
        break;
    }
  }

  private ready(userId: string): void {
    if (this.own) return; // renewed in place
    this.own = `user:${userId}`;
    this.ownAsked = false;
    this.failures = 0;
    this.tell("open");
    if (!this.channels.has(this.own)) this.channels.set(this.own, newChannel());
    for (const [name, channel] of this.channels) {
      channel.resuming = channel.position !== null;
      if (name !== this.own) this.ask(name, channel);
    }
  }

  private ask(name: string, channel: Channel): void {
    const frame: Subscribe = { op: "subscribe", channel: name };
    this.send(channel.position === null ? frame : { ...frame, ...channel.position });
  }

  private subscribed(frame: Subscribed): void {
    const channel = this.channels.get(frame.channel);
    if (channel === undefined) return;
    if (frame.channel === this.own && channel.resuming && !frame.recovered && !this.ownAsked) {
      // The own channel begins by itself; only now can the position be sent, and be answered for sure.
      this.ownAsked = true;
      this.ask(frame.channel, channel);
      return;
    }
    channel.resuming = false;
    channel.position = { epoch: frame.epoch, offset: frame.offset };
    if (!frame.recovered) this.call(() => this.options.onLoad?.(frame.channel));
  }

  private event(frame: Event): void {
    const channel = this.channels.get(frame.channel);
    if (channel === undefined || channel.resuming) return;
    if (frame.offset !== null) {
      const position = channel.position;
      if (position === null || frame.epoch !== position.epoch || frame.offset <= position.offset) return;
      position.offset = frame.offset;
      if (channel.ids.has(frame.id)) return;
      remember(channel.ids, frame.id);
    }
    this.call(() => this.options.onEvent(frame));
  }

  private refused(name: string, code: string): void {
    const channel = this.channels.get(name);
    if (channel === undefined) return;
    if (code !== "UNAVAILABLE") {
      this.lose(name, code);
      return;
    }
    const { socket } = this;
    setTimeout(() => {
      if (this.socket === socket && this.channels.get(name) === channel) this.ask(name, channel);
    }, RETRY_MS * (0.5 + Math.random()));
  }

  private lose(name: string, code: string): void {
    this.channels.delete(name);
    this.call(() => this.options.onLost?.(name, code));
  }

  private async renew(): Promise<void> {
    const { socket } = this;
    try {
      const ticket = await this.options.ticket();
      if (ticket !== null && this.socket === socket) this.send({ op: "auth", ticket });
    } catch {
      // The token ends, the gateway closes with 3005, and the next connection asks again.
    }
  }

  private send(frame: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private tell(state: State): void {
    this.call(() => this.options.onState?.(state));
  }

  /** What a callback does wrong costs nobody the frames behind it. */
  private call(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      if (this.options.onFault) this.options.onFault(error);
      else
        setTimeout(() => {
          throw error;
        });
    }
  }
}

function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  if (ids.size <= IDS_KEPT) return;
  for (const oldest of ids) {
    ids.delete(oldest);
    return;
  }
}
