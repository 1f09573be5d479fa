"""What a configuration of Hydra says of a run and of a trial."""

from __future__ import annotations

from typing import Any

import pytest

omegaconf = pytest.importorskip("omegaconf", reason="needs omegaconf, not installed")
pytest.importorskip("hydra", reason="needs hydra, not installed")

from argus.integrations import hydra_config as conf  # noqa: E402


def config(**fields: Any) -> Any:
    return omegaconf.OmegaConf.create(fields)


def swept(*overrides: str, sweeper: str = "hydra._internal.BasicSweeper", **more: Any) -> Any:
    hydra = {"overrides": {"task": list(overrides)}, "sweeper": {"_target_": sweeper, **more}}
    return config(hydra=hydra)


@pytest.mark.parametrize(
    ("template", "key", "expected"),
    [
        ("{model}_{optim.lr:.0e}", None, "patchtst_1e-03"),
        ("{num}-{hydra.job.num}", "model", "3-3"),
        ("{nothing.here:>9}", None, "{nothing.here}"),
        ("{optim}", None, "{optim}"),
        (None, "optim.lr", "0.001"),
        (None, "model", "patchtst"),
        (None, "nothing.here", "b-3"),
        ("", "", "b-3"),
        (None, None, "b-3"),
    ],
)
def test_a_job_is_called_by_its_template_its_key_or_its_number(
    template: str | None, key: str | None, expected: str
) -> None:
    given = config(model={"name": "patchtst"}, optim={"lr": 1e-3}, hydra={"job": {"num": 3}})
    assert conf.job_id(given, template, key, "b-3") == expected


@pytest.mark.parametrize("template", ["{", "}", "{model!z}", "{model:q}"])
def test_a_template_that_is_none_is_an_error(template: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        conf.job_id(config(model="m"), template, None, "b-3")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("dlinear", "dlinear"),
        ({"name": "DLinear", "dim": 3}, "DLinear"),
        ({"dim": 3}, "chosen"),
        ({"name": "???"}, "chosen"),
        ({"name": {"first": 1}}, "chosen"),
        ([1, 2], "chosen"),
        (3, "3"),
        (None, None),
        ("???", None),
        ("${nowhere}", None),
    ],
)
def test_a_model_is_called_by_its_text_its_name_or_what_was_chosen(
    model: Any, expected: str | None
) -> None:
    hydra = {"runtime": {"choices": {"model": "chosen"}}}
    assert conf.name_of(config(model=model, hydra=hydra), "model") == expected


def test_hyperparameters_are_resolved_and_hide_what_comes_from_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "swordfish")
    monkeypatch.setenv("HOME_TOWN", "Ulm")
    given = config(
        lr=0.1,
        twice="${lr}",
        layers=[{"dim": "${lr}"}, {"dim": 2}],
        town="${oc.env:HOME_TOWN}",
        hub="${oc.env:HF_TOKEN}",
        header="x ${oc.env:HF_TOKEN,none}",
        also="${keys.hub_token}",
        keys={"hub_token": "swordfish"},
        missing="???",
        nowhere="${not.there}",
        hydra={"job": {"num": 0}},
    )
    assert conf.hyperparameters(given) == {
        "lr": 0.1,
        "twice": 0.1,
        "layers.0.dim": 0.1,
        "layers.1.dim": 2,
        "town": "Ulm",
        "hub": "***",
        "header": "***",
        "also": "***",
        "keys.hub_token": "***",
        "missing": "???",
        "nowhere": "${not.there}",
    }


def test_a_digest_is_of_the_values_in_any_order() -> None:
    assert conf.digest({"a": 1, "b": [2]}) == conf.digest({"b": [2], "a": 1})
    assert conf.digest({"a": 1}) != conf.digest({"a": 2})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (swept("a=1,2,3", "b=x,y", "c=1"), 6),
        (swept("a=range(0,4)", "a=1,2"), 2),
        (swept("c=1", params={"lr": "0.1,0.2"}), 2),
        (swept(), 1),
        (swept("a=glob(*)"), None),
        (swept("a=interval(0,1)", sweeper="hydra_plugins.optuna.Sweeper", n_trials=20), 20),
        (swept("a=1,2", sweeper="hydra_plugins.ax.Sweeper"), None),
        (config(), None),
    ],
)
def test_the_trials_of_a_sweep_are_counted_where_that_can_be_known(
    given: Any, expected: int | None
) -> None:
    assert conf.n_trials(given) == expected


def test_a_trial_of_optuna_goes_on_with_the_numbers_of_its_study() -> None:
    given = swept("lr=0.1", "dim=3", sweeper="hydra_plugins.optuna.Sweeper", study_name="s")
    given.hydra.job = {"num": 2}
    again = swept("dim=3", "lr=0.1", sweeper="hydra_plugins.optuna.Sweeper")

    facts, other = conf.optuna_facts(given, "b", 5), conf.optuna_facts(again, "b", 0)
    assert facts is not None
    assert other is not None
    assert (facts["study_name"], facts["trial_number"]) == ("s", 7)
    assert (other["study_name"], other["trial_number"]) == ("b", 0)
    assert facts["params_hash"] == other["params_hash"]
    assert conf.optuna_facts(swept("lr=0.1"), "b", 0) is None


def test_overrides_have_no_secrets() -> None:
    assert conf.overrides(swept("lr=0.1", "+db.password=x")) == ["lr=0.1", "+db.password=***"]
