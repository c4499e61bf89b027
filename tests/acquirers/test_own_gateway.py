"""docs/gateway.md, line by line: its commands, its own gateway, the lines for our till."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

from acquirers.till import Line
from protocols.participant import Participant
from tests.network import RunningNetwork

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = (DOCS / "gateway.md").read_text()
SENDS = re.findall(r"^\$ payswitch (send .*)$", DOCUMENT, re.MULTILINE)
OWN = re.findall(r"^\$ python (docs/\S+) (.*)\n(.*)$", DOCUMENT, re.MULTILINE)
APPROVAL_CODE = r"(?<=^approved )[0-9]{6}$"  # another one each time
TYPED = re.findall(r'^(\{"id".*\})$', DOCUMENT, re.MULTILINE)


def output(network: RunningNetwork, script: str, *arguments: str) -> str:
    where = [network.host, str(network.ports["lab"]), *arguments[2:]]
    command = [sys.executable, str(DOCS.parent / script), *where]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_documents_messages_are_answered(network: RunningNetwork) -> None:
    assert len(SENDS) == 2
    for line in SENDS:
        word, *options = shlex.split(line)
        told = network.run("switch", word, *options)
        assert told.returncode == 0, told.stderr
        assert "00" in told.stdout


def test_the_documents_own_gateway_pays_and_is_told_why_not(network: RunningNetwork) -> None:
    assert len(OWN) == 2
    for script, typed, expected in OWN:
        told = output(network, script, *typed.split()).strip()
        assert re.sub(APPROVAL_CODE, "", told) == re.sub(APPROVAL_CODE, "", expected)


def test_the_documents_own_gateway_reverses_what_it_cannot_know(network: RunningNetwork) -> None:
    """The sandbox never answers 30.00; a gateway less patient than the switch hears nothing."""
    program = (
        "import runpy;"
        "own = runpy.run_path({path!r}); own['Gateway'].ask.__globals__['ANSWER_S'] = 0.4;"
        "print(own['Gateway']({host!r}, {port}).pay('4111111111111111', '30.00', '784'))"
    ).format(path=str(DOCS / "examples" / "gateway.py"), host=network.host, port=network.ports["lab"])
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == "unknown, reversed\n"


def test_the_lines_for_our_till_do_what_they_say_all_typed_at_once(network: RunningNetwork) -> None:
    assert len(TYPED) == 5
    with network.till("lab") as till:
        answers = {}
        for text in TYPED:
            line = Line.read(text)
            said = {
                k: v for k, v in line.model_dump(mode="json", exclude_defaults=True).items() if k not in ("id", "do")
            }
            if line.pan is not None:
                said["pan"] = line.pan.get_secret_value()
            if line.of is not None:
                said["of"] = answers[line.of]
            answers[line.id] = till.say(line.do, **said)
        for id_ in answers.values():
            told = till.answer_to(id_)
            assert told["response_code"] == "00", told
    network.settled()
    assert network.audit().returncode == 0


def test_the_documents_agreement_is_one() -> None:
    [text] = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    mine = Participant.model_validate(tomllib.loads(text))
    assert mine.partial_approval
    assert f"DE 33 = {mine.institution_id}" in DOCUMENT


def test_the_example_is_as_short_as_it_says() -> None:
    lines = (DOCS / "examples" / "gateway.py").read_text().splitlines()
    assert len([line for line in lines if line.strip() and not line.strip().startswith(("#", '"""'))]) <= 72
