"""The envelope of a host command: header, command code, fields, LMK id, trailer; there and back.

Both ends use it. A client writes requests and reads answers; the HSM reads
requests and writes answers. The two-byte length in front is framing and not
here; neither is any decision about what a command answers.

A request that cannot be read is a value, not an exception: it has an `error`,
the code to answer with, because its header must be echoed all the same. Only
bytes too few to hold header and command raise, and then there is nobody to
answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.hsm.codes import DONE, INPUT_DATA, UNKNOWN_COMMAND
from protocols.hsm.fields import UnreadableError
from protocols.hsm.key_fields import LMK_ID_FIELD
from protocols.hsm.layout import NO_FIELDS, Layout
from protocols.hsm.layouts import LAYOUTS

HEADER_LENGTH = 4  # as delivered; 0 to 255 by agreement
FRAME_MAX = 32 * 1024  # the largest buffer such a device reports
COMMAND_LENGTH = 2
ERROR_LENGTH = 2
TRAILER_MARK = "\x19"
TRAILER_LONGEST = 32
LMK_MARK = "%"
DELIMITER = "~"


@dataclass(slots=True)
class HsmRequest:
    """A request as the HSM sees it. Not frozen: that would double the price of making one, and a
    load test makes tens of thousands a second. The fields hold keys and PINs and have no repr."""

    header: bytes
    command: str
    fields: dict[str, str] = field(repr=False)
    lmk_id: str | None = None  # None: the HSM's default
    trailer: bytes | None = field(default=None, repr=False)
    error: str = DONE  # anything else: it could not be read, and this is the answer


@dataclass(frozen=True, slots=True)
class HsmAnswer:
    """An answer as the client sees it. The fields may hold what nobody should see and have no repr."""

    header: bytes
    error: str
    fields: dict[str, str] = field(repr=False)
    trailer: bytes | None = field(default=None, repr=False)

    @property
    def done(self) -> bool:
        return self.error == DONE


def response_code(command: str) -> str:
    """The code an answer bears: the command's with its second letter plus one.

    >>> response_code("NC"), response_code("J8"), response_code("A0")
    ('ND', 'J9', 'A1')
    """
    return command[0] + chr((ord(command[1]) + 1) & 0xFF)


RESPONSE_CODES: Mapping[str, str] = {command: response_code(command) for command in LAYOUTS}


def build_request(
    command: str,
    header: bytes,
    *,
    lmk_id: str | None = None,
    trailer: bytes | None = None,
    **fields: str | bytes,
) -> bytes:
    """A request frame, without its length. Raises LocalProtocolError naming the field that does not fit.

    >>> build_request("NC", b"0001")
    b'0001NC'
    >>> build_request("B2", b"0001", data=b"hello", lmk_id="00", trailer=b"t")
    b'0001B20005hello%00\\x19t'
    """
    return pack_request(command, header, fields, lmk_id=lmk_id, trailer=trailer)


def pack_request(
    command: str,
    header: bytes,
    fields: Mapping[str, str | bytes],
    *,
    lmk_id: str | None = None,
    trailer: bytes | None = None,
) -> bytes:
    """`build_request` for fields that are a mapping already."""
    layout = _layout(command)
    values = {name: _text(value) for name, value in fields.items()}
    try:
        body = layout.write_request(values)
    except UnreadableError as refused:
        raise LocalProtocolError(f"{command}: field {refused.field} is missing or does not fit") from None
    tail = "" if lmk_id is None else LMK_MARK + lmk_id
    return header + _bytes(command + body + tail) + _trailer_bytes(trailer)


def read_answer(
    command: str, frame: bytes, header_length: int = HEADER_LENGTH, asked: Mapping[str, str | bytes] = NO_FIELDS
) -> HsmAnswer:
    """What the HSM said to `command`. Raises RemoteProtocolError when it is not an answer to it.

    `asked` is the request's fields; only commands whose answer depends on them
    (A0, BU, B2, M6, M8) need it. After an error code the data of which our table does
    not know, whatever follows is ignored: a real device may have more to say.

    >>> read_answer("CW", b"0001CX00561").fields
    {'cvv': '561'}
    """
    layout = _layout(command)
    text = frame[header_length:].decode("latin-1")
    if len(frame) < header_length + COMMAND_LENGTH + ERROR_LENGTH:
        raise RemoteProtocolError(f"HSM answer to {command} is too short")
    if text[:2] != response_code(command):
        raise RemoteProtocolError(f"HSM answered something else than {command}")
    error = text[2:4]
    if not (error.isascii() and error.isalnum()):
        raise RemoteProtocolError(f"HSM answer to {command} has no error code")
    found: dict[str, str] = {}
    trailer = None
    if layout.has_data(error):
        at = _read_answer_fields(layout, text, found, asked, error)
        trailer = _answer_trailer(command, text, at)
    return HsmAnswer(frame[:header_length], error, found, trailer)


def _read_answer_fields(
    layout: Layout, text: str, found: dict[str, str], asked: Mapping[str, str | bytes], error: str
) -> int:
    known = {name: _text(value) for name, value in asked.items()}
    try:
        return layout.read_answer(text, COMMAND_LENGTH + ERROR_LENGTH, found, known, error)
    except UnreadableError as refused:
        raise RemoteProtocolError(f"HSM answer to {layout.command}: {refused.field} cannot be read") from None


def _answer_trailer(command: str, text: str, at: int) -> bytes | None:
    if at == len(text):
        return None
    if text[at] != TRAILER_MARK:
        raise RemoteProtocolError(f"HSM answer to {command} has something left over")
    return _bytes(text[at + 1 :])


def read_request(frame: bytes, header_length: int = HEADER_LENGTH) -> HsmRequest:
    """A request frame read by its command's layout. Raises RemoteProtocolError only when it is too short.

    >>> read_request(b"0001B20005hello%00").fields
    {'data': 'hello'}
    >>> read_request(b"0001ZZ").error
    '68'
    """
    if len(frame) < header_length + COMMAND_LENGTH:
        raise RemoteProtocolError("request shorter than its header and command")
    text = frame[header_length:].decode("latin-1")
    request = HsmRequest(frame[:header_length], text[:COMMAND_LENGTH], {})
    layout = LAYOUTS.get(request.command)
    if layout is None:
        request.error = UNKNOWN_COMMAND
        request.trailer = _likely_trailer(text)
        return request
    try:
        at = layout.read_request(text, COMMAND_LENGTH, request.fields)
        request.lmk_id = request.fields.pop(LMK_ID_FIELD, None)
        if at < len(text):
            _read_tail(request, text, at)
    except UnreadableError as refused:
        request.error = refused.code
        request.trailer = _likely_trailer(text)
    return request


def _read_tail(request: HsmRequest, text: str, at: int) -> None:
    """What may follow the fields: `[~] [%nn] [0x19 trailer]`."""
    if text.startswith(DELIMITER, at):
        at += 1
    if text.startswith(LMK_MARK, at):
        request.lmk_id = text[at + 1 : at + 3]
        at += 3
    if text.startswith(TRAILER_MARK, at) and len(text) - at - 1 <= TRAILER_LONGEST:
        request.trailer = _bytes(text[at + 1 :])
        at = len(text)
    if at != len(text):
        raise UnreadableError("end of the request", INPUT_DATA)


def _likely_trailer(text: str) -> bytes | None:
    """Of a request that cannot be read nobody knows where the fields end: the last mark is the best guess."""
    _, mark, trailer = text[COMMAND_LENGTH:].rpartition(TRAILER_MARK)
    return _bytes(trailer) if mark and len(trailer) <= TRAILER_LONGEST else None


def build_answer(request: HsmRequest, error: str = DONE, **fields: str) -> bytes:
    """An answer frame, without its length. Fields are left out where the error code has none.

    >>> build_answer(read_request(b"0001NC"), check_value="2686040000000000", firmware="1500-0023")
    b'0001ND0026860400000000001500-0023'
    >>> build_answer(read_request(b"0001NC"), "13")
    b'0001ND13'
    """
    return pack_answer(request, error, fields)


def pack_answer(request: HsmRequest, error: str, fields: Mapping[str, str]) -> bytes:
    """`build_answer` for fields that are a mapping already."""
    body = ""
    layout = LAYOUTS.get(request.command)
    if layout is not None and layout.has_data(error):
        try:
            body = layout.write_answer(fields, request.fields, error)
        except UnreadableError as refused:
            raise LocalProtocolError(f"{request.command}: answer field {refused.field} does not fit") from None
        try:  # nearly every answer: one with a layout, without a trailer
            packed = request.header + (RESPONSE_CODES[request.command] + error + body).encode("latin-1")
        except UnicodeEncodeError:
            raise LocalProtocolError("a field holds characters that are no bytes") from None
        return packed if request.trailer is None else packed + _trailer_bytes(request.trailer)
    return request.header + _bytes(response_code(request.command) + error + body) + _trailer_bytes(request.trailer)


def _layout(command: str) -> Layout:
    layout = LAYOUTS.get(command)
    if layout is None:
        raise LocalProtocolError(f"no layout for host command {command}")
    return layout


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise LocalProtocolError("a field holds characters that are no bytes") from None


def _trailer_bytes(trailer: bytes | None) -> bytes:
    return b"" if trailer is None else TRAILER_MARK.encode() + trailer
