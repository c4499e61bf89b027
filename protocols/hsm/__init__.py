"""The payShield host-command format: envelope and field layouts, for both ends.

Sans-I/O. A client asks with `build_request` and reads with `read_answer`; an
HSM reads with `read_request` and answers with `build_answer`. Notation and
rules are those a client of such a device must know; no manual was copied.
"""

from protocols.hsm.envelope import (
    FRAME_MAX,
    HEADER_LENGTH,
    HsmAnswer,
    HsmRequest,
    build_answer,
    build_request,
    pack_answer,
    pack_request,
    read_answer,
    read_request,
    response_code,
)
from protocols.hsm.layout import Layout
from protocols.hsm.layouts import LAYOUTS

__all__ = [
    "FRAME_MAX",
    "HEADER_LENGTH",
    "LAYOUTS",
    "HsmAnswer",
    "HsmRequest",
    "Layout",
    "build_answer",
    "build_request",
    "pack_answer",
    "pack_request",
    "read_answer",
    "read_request",
    "response_code",
]
