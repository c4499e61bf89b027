"""One file a story; which message type begins which is in STORIES. See `switch.story`."""

from __future__ import annotations

from collections.abc import Mapping

from switch.stories.advise import advise
from switch.stories.authorize import authorize
from switch.stories.by_host import or_by_host
from switch.stories.complete import complete
from switch.stories.financial import financial
from switch.stories.reconcile import reconcile
from switch.stories.reverse import reverse
from switch.story import Teller

#: Message type (never a repeat's: a repeat is its original) -> the story that it begins.
STORIES: Mapping[str, Teller] = {
    "0100": or_by_host(authorize),
    "0120": advise,
    "0200": or_by_host(financial),
    "0220": complete,
    "0400": reverse,
    "0420": reverse,
    "0500": reconcile,
    "0520": reconcile,
}

#: What an issuer may ask of us.
FROM_ISSUERS = frozenset({"0500", "0520"})
