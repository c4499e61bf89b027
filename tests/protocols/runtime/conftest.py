"""The smallest framing there is (one length byte), so that these tests know nothing of the real ones."""

import pytest

from protocols.errors import RemoteProtocolError


class OneByteFramer:
    """Feed bytes, get frames. A length of zero is noise."""

    def __init__(self):
        self._held = b""

    @property
    def partial(self):
        return bool(self._held)

    def feed(self, data):
        self._held += data
        frames = []
        while self._held and len(self._held) > self._held[0]:
            if not self._held[0]:
                raise RemoteProtocolError("a frame of no length")
            end = 1 + self._held[0]
            frames.append(self._held[1:end])
            self._held = self._held[end:]
        return frames


class OneByteFraming:
    """Frames of 1 to 255 bytes."""

    def framer(self):
        return OneByteFramer()

    def pack(self, frame):
        return bytes([len(frame)]) + frame


@pytest.fixture
def framing():
    return OneByteFraming()
