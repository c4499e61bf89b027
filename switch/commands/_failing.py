"""What a command says when a party would not run."""

from protocols.runtime.exits import DAMAGED, FAILED, MISCONFIGURED, UNAVAILABLE
from switch.commands._terminal import complain
from switch.shell.supervisor import PartyFailedError, last_words

PASSED_ON = (MISCONFIGURED, UNAVAILABLE, DAMAGED)  # codes that mean the same whoever ends with them


def tell_failure(failed: PartyFailedError) -> int:
    """Say which party failed and what it said last; its exit code as ours."""
    complain(str(failed))
    for line in last_words(failed.log_path):
        complain(f"  {line}")
    complain(f"  (its log: {failed.log_path})")
    return failed.code if failed.code in PASSED_ON else FAILED
