"""`payswitch check`: what is wrong with a network's files, before anything starts."""

from protocols.network import NetworkError
from protocols.runtime.exits import DONE, MISCONFIGURED
from switch.commands._terminal import complain, say
from switch.place import DEMONSTRATION, Place, parties_of


def check(*, place: Place = DEMONSTRATION) -> int:
    """Read all files of the network and list every problem, as file: path: message.

    Each party reads its own files. Exit code 2 when there is a problem.
    """
    import trio

    from switch.shell.ask_party import problems_told

    # The same agreement is read by several parties: one problem is told once.
    problems = list(dict.fromkeys([*own_problems(place), *trio.run(problems_told, place)]))
    for problem in problems:
        complain(problem)
    if problems:
        return MISCONFIGURED
    say(f"no problems: {', '.join(str(party) for stage in parties_of(place.network) for party in stage)}")
    return DONE


def own_problems(place: Place) -> list[str]:
    """Problems of the files that the switch itself reads."""
    from switch.configuration import configure

    try:
        configure(place.network)
    except NetworkError as error:
        return error.problems
    return []
