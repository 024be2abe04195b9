/** A client of Stoa's realtime gateway: one socket that comes back, channels that resume, typed frames. */
import { type Event } from "./frames.js";
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
export declare class RealtimeClient {
    private readonly options;
    private readonly channels;
    private socket;
    private own;
    private ownAsked;
    private failures;
    private stopped;
    /** Which call of connect() counts: one that waits for its ticket may have been overtaken. */
    private attempt;
    private timer;
    private heartbeat;
    private silent;
    constructor(options: Options);
    start(): void;
    /** Channels and positions are kept: start() resumes. */
    stop(): void;
    /** onLoad and then events follow as soon as there is a connection, and after each break. */
    subscribe(channel: string): void;
    /** Of the own channel there is no end. */
    unsubscribe(channel: string): void;
    private connect;
    private open;
    /** A browser shows nobody the gateway's own pings, and a connection that died on the way makes no sound. */
    private beat;
    private closed;
    private end;
    /** Whatever it still says is not heard: over a dead connection even the end of a socket can take minutes. */
    private abandon;
    /** Full jitter, or what a gateway that shuts down asks for. */
    private later;
    /** What is not known is skipped: a newer gateway says more. */
    private take;
    private ready;
    private ask;
    private subscribed;
    private event;
    private refused;
    private lose;
    private renew;
    private send;
    private tell;
    /** What a callback does wrong costs nobody the frames behind it. */
    private call;
}
