"""`payswitch pki`: the certificates of mutual TLS."""

from cyclopts import App

from switch.certificates import initialise, keep_up
from switch.commands._terminal import say
from switch.home import certificate_folder
from switch.place import DEMONSTRATION, Place
from switch.shell.clock import today

pki = App(name="pki", help="Make and renew the certificates of mutual TLS.")


@pki.command
def init(*, place: Place = DEMONSTRATION) -> None:
    """Make a small authority, and a certificate for the switch and for each participant.

    They go into the state folder, under pki/: NAME.crt and NAME.key, and authority.crt, which everybody
    trusts. `up` and `switch` do the same at their first start. Whoever connects from elsewhere needs
    their own NAME.crt, NAME.key and authority.crt; authority.key stays where it is.

    Exit code 2 when there are certificates already: nothing is overwritten.
    """
    folder = certificate_folder(place.state)
    made = initialise(folder, place.network, today())
    say(f"{folder}: an authority, and certificates for {', '.join(made)}")


@pki.command
def renew(*, place: Place = DEMONSTRATION) -> None:
    """Renew the certificates that end within a month, and make those that are missing; no key changes.

    `up` and `switch` do the same whenever they start. A switch that runs shows the new ones after SIGHUP.
    """
    folder = certificate_folder(place.state)
    made = keep_up(folder, place.network, today())
    say(f"{folder}: {', '.join(made) if made else 'nothing to renew'}")
