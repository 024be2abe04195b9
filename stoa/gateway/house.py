"""What one gateway process consists of, put together once."""

import contextlib
from collections.abc import AsyncIterator

from stoa.gateway import figures
from stoa.gateway.bus import Bus
from stoa.gateway.bus_local import LocalBus
from stoa.gateway.bus_redis import RedisBus
from stoa.gateway.channels import Rooms
from stoa.gateway.limits import Bucket, Places
from stoa.gateway.open_files import OpenFiles
from stoa.gateway.platform_calls import Platform
from stoa.gateway.sessions import Sessions
from stoa.gateway.ticker import Ticker
from stoa.runtime.config.model import Settings

ADMISSION_BURST_S = 0.25


class House:
    """Make it inside the running loop; `running()` is its life."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        address = settings.realtime_address
        self.bus: Bus = LocalBus() if address is None else RedisBus(address)
        self.platform = Platform(settings.platform_address)
        self.sessions = Sessions(self.platform)
        self.rooms = Rooms(self.bus, on_command=self.sessions.take_command, on_bus=self._bus_changed)
        self.ticker = Ticker()
        self.per_user = Places(settings.gateway_connections_per_user)
        self.per_address = Places(settings.gateway_connections_per_address)
        self.admission = Bucket(
            per_s=settings.gateway_accepts_per_s, burst=max(1, settings.gateway_accepts_per_s * ADMISSION_BURST_S)
        )
        self.open_files = OpenFiles()
        self.draining = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.bus.start(self.rooms)
        figures.BUS_UP.put(self.bus.is_up)
        try:
            yield
        finally:
            await self.rooms.stop()
            await self.bus.stop()
            await self.platform.close()

    async def drain(self) -> None:
        self.draining = True
        await self.sessions.stop(self.settings.gateway_drain_s)

    def note_figures(self) -> None:
        figures.SOCKETS.put(len(self.sessions))
        figures.ROOMS.put(len(self.rooms))
        figures.ROOM_LEFT.put(self.open_files.left)
        figures.BUS_UP.put(self.bus.is_up)

    def _bus_changed(self, up: bool) -> None:
        figures.BUS_UP.put(up)
        self.sessions.bus_changed(up)
