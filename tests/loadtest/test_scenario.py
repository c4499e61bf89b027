"""The scenario: every problem at once, an unknown key with its neighbour, and a schema that is the models' own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import loadtest
from loadtest.flow import load_flow, program
from loadtest.scenario import load_scenario, made, schema
from loadtest.usage import UsageError
from tests.loadtest.hosts import scenario

SCHEMA = Path(loadtest.__file__).parent / "scenario.schema.json"


def test_the_schema_that_is_shipped_is_the_models_own() -> None:
    """When it is not, write `scenario.schema()` there as JSON, and read what changed."""
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(schema()))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"link": {}}, "link: there is no such key; did you mean links?"),
        ({"links": {"cout": 1}}, "links.cout: there is no such key; did you mean count?"),
        ({"values": {"cards": {"pik": 1}}}, "values.cards.pik: there is no such key; did you mean pick?"),
        ({"plan": {"arivals": []}}, "plan.arivals: there is no such key; did you mean arrivals?"),
        ({"plan": {"arrivals": [{"shape": "poison"}]}}, "'poisson'"),
        ({"plan": {"arrivals": []}}, "either arrivals or closed"),
        ({"plan": {"warm_up_s": 99}}, "leaves nothing to measure"),
        ({"mix": {"purchase": 0}}, "all weights are 0"),
        ({"thresholds": {"hold": ["speed > 3"]}}, "no figure called speed"),
        ({"thresholds": {"abort": [{"when": "p99"}]}}, "is not FIGURE"),
    ],
)
def test_a_mistake_is_told_with_its_place(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        scenario(**changes)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(UsageError) as told:
        scenario(links={"cout": 1}, target={"prt": 1})
    assert len(str(told.value).splitlines()) == 2


def test_what_a_run_is_called_does_not_change_its_hash_but_its_seed_does() -> None:
    assert scenario(1).hash == scenario(2).hash
    assert scenario().hash != scenario(plan={"seed": 8}).hash


def test_a_scenario_survives_the_way_to_a_worker() -> None:
    mix = {"purchase": 1, "pre_authorization": {"weight": 2, "completed": 0.5}}
    chosen = scenario(mix=mix, values={"amount": {"lognormal": {"median": 2500, "sigma": 1.1}, "max": 9999}})
    content = json.loads(json.dumps(chosen.model_dump(mode="json", by_alias=True)))
    assert made(content) == chosen
    assert made(content).hash == chosen.hash


def test_settings_are_put_on_top_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[plan]\narrivals = [{ shape = "constant", rate_per_s = 1, for_s = 1 }]\n[mix]\necho = 1\n')
    assert load_scenario(file).name == "mine"
    assert load_scenario(file, **{"links.count": 3}).links.count == 3


def test_a_flow_takes_what_it_lets_be_set_and_nothing_else() -> None:
    flow = load_flow("pre_authorization")
    assert program("x", flow, {"completed": 0.5})
    with pytest.raises(UsageError, match="the flow lets be set completed, delay_s"):
        program("x", flow, {"complete": 0.5})
    with pytest.raises(UsageError, match="there is no such flow; there are"):
        load_flow("purchse")
