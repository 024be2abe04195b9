"""A client of Stoa's realtime gateway: one socket that comes back, channels that resume, typed frames.

    async with RealtimeClient("wss://rt.example.org/ws", ticket=fetch_ticket) as client:
        await client.subscribe(f"org:{org_id}")
        async for said in client:
            match said:
                case Load(channel): ...      # (re)load what you show of it; every event after this follows
                case Event(): ...            # said.frame is the event, each exactly once, in order
                case Lost(channel, code): ...  # you may not hear it (any more)

`ticket` is asked for each connection: `POST /api/v1/realtime/ticket`. Needs the package `websockets` and nothing else.
"""

from stoa_realtime.client import Event, Final, Load, Lost, RealtimeClient

__all__ = ["Event", "Final", "Load", "Lost", "RealtimeClient"]
