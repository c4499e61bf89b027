"""What two parties on the network must agree on, and nothing that only one of them decides.

Pure: bytes in, values out. No socket, no clock, no randomness, no log, no Trio; the one
exception is `protocols.runtime`, the Trio shell that the parties share.
"""

from protocols.compiled import use

use()
