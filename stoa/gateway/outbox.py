"""What waits to be written to one socket, bounded by count and bytes."""


class Outbox:
    """Frames in order. When it is full, ephemeral frames give way first; when that is not enough, the reader is slow."""

    __slots__ = ("_bytes", "_ephemeral", "_frames", "dropped", "most_bytes", "most_frames")

    def __init__(self, *, most_frames: int, most_bytes: int) -> None:
        self.most_frames, self.most_bytes = most_frames, most_bytes
        self._frames: list[tuple[bytes, bool]] = []
        self._bytes = 0
        self._ephemeral = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size(self) -> int:
        return self._bytes

    def put(self, frame: bytes, *, durable: bool = True) -> bool:
        """False when a durable frame finds no place. An ephemeral one that finds none is dropped, which is fine."""
        if len(self._frames) >= self.most_frames or self._bytes + len(frame) > self.most_bytes:
            if not durable:
                self.dropped += 1
                return True
            self._drop_ephemeral()
            if len(self._frames) >= self.most_frames or self._bytes + len(frame) > self.most_bytes:
                return False
        self._frames.append((frame, durable))
        self._bytes += len(frame)
        self._ephemeral += not durable
        return True

    def take(self, most_bytes: int) -> tuple[bytes, ...]:
        """From the front, one at least if there is any, and as many as fit into so many bytes."""
        frames = self._frames
        if self._bytes <= most_bytes:
            taken = tuple([frame for frame, _ in frames])
            frames.clear()
            self._bytes = self._ephemeral = 0
            return taken
        some: list[bytes] = []
        for frame, durable in frames:
            if some and most_bytes < len(frame):
                break
            some.append(frame)
            most_bytes -= len(frame)
            self._bytes -= len(frame)
            self._ephemeral -= not durable
        del frames[: len(some)]
        return tuple(some)

    def clear(self) -> None:
        self._frames.clear()
        self._bytes = self._ephemeral = 0

    def _drop_ephemeral(self) -> None:
        if not self._ephemeral:
            return
        kept = [each for each in self._frames if each[1]]
        self.dropped += len(self._frames) - len(kept)
        self._frames = kept
        self._bytes = sum(len(frame) for frame, _ in kept)
        self._ephemeral = 0
