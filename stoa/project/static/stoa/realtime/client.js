/** A client of Stoa's realtime gateway: one socket that comes back, channels that resume, typed frames. */
import { FIRST_FINAL, SUBPROTOCOL } from "./frames.js";
export * from "./frames.js";
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
const RETRY_MS = 1_000;
const HEARTBEAT_MS = 25_000;
/** As many as a channel's history holds: what is older cannot come again. */
const IDS_KEPT = 512;
function newChannel() {
    return { position: null, resuming: false, ids: new Set() };
}
export class RealtimeClient {
    options;
    channels = new Map();
    socket = null;
    own = "";
    ownAsked = false;
    failures = 0;
    stopped = true;
    /** Which call of connect() counts: one that waits for its ticket may have been overtaken. */
    attempt = 0;
    timer;
    heartbeat;
    silent = false;
    constructor(options) {
        this.options = options;
    }
    start() {
        if (this.stopped) {
            this.stopped = false;
            void this.connect();
        }
    }
    /** Channels and positions are kept: start() resumes. */
    stop() {
        if (this.stopped)
            return;
        this.end();
    }
    /** onLoad and then events follow as soon as there is a connection, and after each break. */
    subscribe(channel) {
        if (!this.channels.has(channel)) {
            const made = newChannel();
            this.channels.set(channel, made);
            if (this.own)
                this.ask(channel, made);
        }
    }
    /** Of the own channel there is no end. */
    unsubscribe(channel) {
        if (channel === this.own)
            return;
        if (this.channels.delete(channel) && this.own)
            this.send({ op: "unsubscribe", channel });
    }
    async connect() {
        const attempt = ++this.attempt;
        this.tell("connecting");
        let ticket;
        try {
            ticket = await this.options.ticket();
        }
        catch {
            if (attempt === this.attempt)
                this.later("");
            return;
        }
        if (attempt !== this.attempt)
            return;
        if (ticket === null)
            this.end();
        else
            this.open(ticket);
    }
    open(ticket) {
        const socket = new WebSocket(this.options.url, [SUBPROTOCOL]);
        this.socket = socket;
        socket.onopen = () => this.send({ op: "auth", ticket });
        socket.onmessage = (message) => {
            this.silent = false;
            for (const line of message.data.split("\n")) {
                if (line && this.socket === socket)
                    this.take(JSON.parse(line));
            }
        };
        socket.onerror = () => undefined; // onclose follows; where sockets are emitters, what nobody hears is thrown
        socket.onclose = (closed) => this.closed(closed.code, closed.reason);
        this.silent = false;
        this.heartbeat = setInterval(() => this.beat(), this.options.heartbeatMs ?? HEARTBEAT_MS);
    }
    /** A browser shows nobody the gateway's own pings, and a connection that died on the way makes no sound. */
    beat() {
        if (this.silent) {
            this.closed(1006, "");
            return;
        }
        this.silent = true;
        this.send({ op: "ping" });
    }
    closed(code, reason) {
        this.abandon();
        if (code < FIRST_FINAL) {
            this.later(reason);
            return;
        }
        this.end();
        this.call(() => this.options.onFinal?.(code, reason));
    }
    end() {
        this.stopped = true;
        this.attempt += 1;
        clearTimeout(this.timer);
        this.abandon();
        this.tell("ended");
    }
    /** Whatever it still says is not heard: over a dead connection even the end of a socket can take minutes. */
    abandon() {
        clearInterval(this.heartbeat);
        const socket = this.socket;
        this.socket = null;
        this.own = "";
        if (socket === null)
            return;
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close(1000);
    }
    /** Full jitter, or what a gateway that shuts down asks for. */
    later(reason) {
        this.tell("waiting");
        if (this.stopped)
            return; // by who was told
        const asked = /retry after (\d+)/.exec(reason);
        const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.failures, 16));
        this.failures += 1;
        this.timer = setTimeout(() => void this.connect(), asked ? Number(asked[1]) : Math.random() * most);
    }
    /** What is not known is skipped: a newer gateway says more. */
    take(frame) {
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
                if (frame.reason !== "asked" && this.channels.has(frame.channel))
                    this.lose(frame.channel, frame.reason);
                break;
            case "refresh":
                void this.renew();
                break;
            case "error":
                if (frame.about === "subscribe" && frame.channel !== null)
                    this.refused(frame.channel, frame.code);
                break;
            case "pong":
                break;
        }
    }
    ready(userId) {
        if (this.own)
            return; // renewed in place
        this.own = `user:${userId}`;
        this.ownAsked = false;
        this.failures = 0;
        this.tell("open");
        if (!this.channels.has(this.own))
            this.channels.set(this.own, newChannel());
        for (const [name, channel] of this.channels) {
            channel.resuming = channel.position !== null;
            if (name !== this.own)
                this.ask(name, channel);
        }
    }
    ask(name, channel) {
        const frame = { op: "subscribe", channel: name };
        this.send(channel.position === null ? frame : { ...frame, ...channel.position });
    }
    subscribed(frame) {
        const channel = this.channels.get(frame.channel);
        if (channel === undefined)
            return;
        if (frame.channel === this.own && channel.resuming && !frame.recovered && !this.ownAsked) {
            // The own channel begins by itself; only now can the position be sent, and be answered for sure.
            this.ownAsked = true;
            this.ask(frame.channel, channel);
            return;
        }
        channel.resuming = false;
        channel.position = { epoch: frame.epoch, offset: frame.offset };
        if (!frame.recovered)
            this.call(() => this.options.onLoad?.(frame.channel));
    }
    event(frame) {
        const channel = this.channels.get(frame.channel);
        if (channel === undefined || channel.resuming)
            return;
        if (frame.offset !== null) {
            const position = channel.position;
            if (position === null || frame.epoch !== position.epoch || frame.offset <= position.offset)
                return;
            position.offset = frame.offset;
            if (channel.ids.has(frame.id))
                return;
            remember(channel.ids, frame.id);
        }
        this.call(() => this.options.onEvent(frame));
    }
    refused(name, code) {
        const channel = this.channels.get(name);
        if (channel === undefined)
            return;
        if (code !== "UNAVAILABLE") {
            this.lose(name, code);
            return;
        }
        const { socket } = this;
        setTimeout(() => {
            if (this.socket === socket && this.channels.get(name) === channel)
                this.ask(name, channel);
        }, RETRY_MS * (0.5 + Math.random()));
    }
    lose(name, code) {
        this.channels.delete(name);
        this.call(() => this.options.onLost?.(name, code));
    }
    async renew() {
        const { socket } = this;
        try {
            const ticket = await this.options.ticket();
            if (ticket !== null && this.socket === socket)
                this.send({ op: "auth", ticket });
        }
        catch {
            // The token ends, the gateway closes with 3005, and the next connection asks again.
        }
    }
    send(frame) {
        if (this.socket?.readyState === WebSocket.OPEN)
            this.socket.send(JSON.stringify(frame));
    }
    tell(state) {
        this.call(() => this.options.onState?.(state));
    }
    /** What a callback does wrong costs nobody the frames behind it. */
    call(tell) {
        try {
            tell();
        }
        catch (error) {
            if (this.options.onFault)
                this.options.onFault(error);
            else
                setTimeout(() => {
                    throw error;
                });
        }
    }
}
function remember(ids, id) {
    ids.add(id);
    if (ids.size <= IDS_KEPT)
        return;
    for (const oldest of ids) {
        ids.delete(oldest);
        return;
    }
}
