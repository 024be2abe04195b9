// From stoa/wire by scripts/wire_frames.py; do not edit.

export const SUBPROTOCOL = "stoa.v1";
export const FIRST_FINAL = 3500;

export const CLOSE = {
  SHUTDOWN: 3001,
  EXPIRED: 3005,
  SLOW: 3008,
  INSUFFICIENT_STATE: 3010,
  NO_PONG: 3012,
  TOO_MANY_REQUESTS: 3013,
  INVALID_TOKEN: 3500,
  REVOKED: 3503,
  CONNECTION_LIMIT: 3504,
  PERMISSION_DENIED: 3507,
} as const;

export interface Ready {
  op: "ready";
  user_id: string;
  session_id: string;
  expires_at: string;
}

export interface Subscribed {
  op: "subscribed";
  channel: string;
  epoch: string;
  offset: number;
  recovered: boolean;
}

export interface Unsubscribed {
  op: "unsubscribed";
  channel: string;
  reason: "asked" | "permission";
}

export interface Event {
  op: "event";
  channel: string;
  epoch: string;
  offset: number | null;
  id: string;
  type: string;
  at: string;
  request_id: string;
  data: Record<string, unknown>;
}

export interface Refresh {
  op: "refresh";
  expires_at: string;
}

export interface ErrorFrame {
  op: "error";
  code: string;
  message: string;
  about: string | null;
  channel: string | null;
}

export interface Pong {
  op: "pong";
}

export interface Auth {
  op: "auth";
  token?: string | null;
  ticket?: string | null;
}

export interface Subscribe {
  op: "subscribe";
  channel: string;
  epoch?: string | null;
  offset?: number | null;
}

export interface Unsubscribe {
  op: "unsubscribe";
  channel: string;
}

export interface Typing {
  op: "typing";
  thread_id: string;
  is_typing: boolean;
}

export interface Presence {
  op: "presence";
  status: "online" | "away" | "offline";
}

export interface Ping {
  op: "ping";
}

export type ServerFrame = Ready | Subscribed | Unsubscribed | Event | Refresh | ErrorFrame | Pong;
export type ClientFrame = Auth | Subscribe | Unsubscribe | Typing | Presence | Ping;
