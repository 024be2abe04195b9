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
};
