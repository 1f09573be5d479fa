"""A configuration becomes one flat object, whatever it was made with, and shows no secret."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import types
from collections import OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import pytest

from argus.core.flatten import (
    MAX_ENTRIES,
    MAX_WEIGHT,
    NoConfigError,
    flattened,
    without_secrets,
)


@dataclasses.dataclass
class Optimizer:
    lr: float = 0.1
    betas: tuple[float, float] = (0.9, 0.99)


class Items:
    """Like a config of a library: no mapping by its type, but it has names and entries."""

    def __init__(self, **entries: Any) -> None:
        self._entries = entries

    def keys(self) -> Any:
        return self._entries.keys()

    def items(self) -> Any:
        return self._entries.items()


Size = namedtuple("Size", "width height")


@pytest.mark.parametrize(
    "config",
    [
        {"lr": 0.1, "model": {"depth": 2, "name": "m"}},
        OrderedDict(lr=0.1, model=Items(depth=2, name="m")),
        types.MappingProxyType({"lr": 0.1, "model": {"depth": 2, "name": "m"}}),
        argparse.Namespace(lr=0.1, model=argparse.Namespace(depth=2, name="m")),
        types.SimpleNamespace(lr=0.1, model={"depth": 2, "name": "m"}),
        Items(lr=0.1, model=Items(depth=2, name="m")),
    ],
    ids=lambda config: type(config).__name__,
)
def test_names_are_joined_with_dots(config: Any) -> None:
    assert flattened(config) == {"lr": 0.1, "model.depth": 2, "model.name": "m"}


def test_values_are_plain() -> None:
    config = {"optimizer": Optimizer(), "size": Size(2, 3), "path": Path("a"), 3: None, "no": {}}

    assert flattened(config) == {
        "optimizer.lr": 0.1,
        "optimizer.betas": [0.9, 0.99],
        "size.width": 2,
        "size.height": 3,
        "path": "a",
        "3": None,
        "no": {},
    }


def test_lists_stay_lists_unless_there_is_something_to_open_in_them() -> None:
    config = {"dims": [1, 2], "none": [], "layers": [{"n": 1}, "relu", [3, 4]]}

    assert flattened(config) == {
        "dims": [1, 2],
        "none": [],
        "layers.0.n": 1,
        "layers.1": "relu",
        "layers.2": [3, 4],
    }


def test_entries_of_one_name_are_both_kept() -> None:
    assert flattened({"a": {"b": 1}, "a.b": 2}) == {"a.b": 1, "a.b~2": 2}
    assert flattened({"a.b": 2, "a": {"b": 1}}) == {"a.b": 2, "a.b~2": 1}
    assert flattened({1: "x", "1": "y", "1~2": "z"}) == {"1": "x", "1~2": "y", "1~2~": "z"}


def test_later_changes_of_the_config_are_not_seen() -> None:
    config: dict[str, Any] = {"dims": [1], "model": {"depth": 2}}
    flat = flattened(config)
    config["dims"].append(2)
    config["model"]["depth"] = 3

    assert flat == {"dims": [1], "model.depth": 2}


def test_what_contains_itself_ends() -> None:
    config: dict[str, Any] = {"lr": 0.1}
    config["self"] = {"again": config, "list": [config]}

    assert flattened(config) == {"lr": 0.1, "self.again": "<cycle>", "self.list.0": "<cycle>"}


def test_the_same_part_in_two_places_is_no_cycle() -> None:
    part = {"n": 1}

    assert flattened({"a": part, "b": [part, part]}) == {"a.n": 1, "b.0.n": 1, "b.1.n": 1}


def test_depth_has_an_end() -> None:
    config: dict[str, Any] = {"x": 1}
    for _ in range(10_000):
        config = {"d": config}

    assert flattened(config) == {"d.d.d.d.d.d.d.d": "<nested deeper than 8>"}


def test_more_entries_than_a_config_may_hold_are_said_to_be_missing() -> None:
    flat = flattened({"part": {str(n): n for n in range(MAX_ENTRIES + 9)}, "last": 1})

    assert len(flat) == MAX_ENTRIES + 1
    assert flat["..."] == "<more values than a config may hold>"
    assert flat["part.0"] == 0


def test_one_large_value_does_not_take_its_neighbours_along() -> None:
    flat = flattened({"list": list(range(MAX_WEIGHT)), "lr": 0.1, "text": "x" * 100_000})

    assert flat["list"] == "<too large for what is left of a config>"
    assert flat["lr"] == 0.1
    assert len(flat["text"]) < 20_000


@pytest.mark.parametrize(
    "config", [None, 1, "lr=0.1", b"lr", [1, 2], ("a", 1), object(), dict, Optimizer, Items]
)
def test_what_has_no_entries_by_name_is_no_config(config: Any) -> None:
    with pytest.raises(NoConfigError):
        flattened(config)


def test_foreign_code_that_raises_costs_only_its_own_value() -> None:
    class Broken(Items):
        def items(self) -> Any:
            raise SystemExit

        def __repr__(self) -> str:
            raise ValueError

    with pytest.raises(NoConfigError):
        flattened(Broken())
    assert flattened({"a": Broken(), "b": 2}) == {"a": "<Broken: ValueError>", "b": 2}


def test_a_config_is_resolved_by_the_library_that_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class OmegaConf:
        @staticmethod
        def to_container(config: Any, resolve: bool) -> Any:
            if resolve and config["lr"] == "${broken}":
                raise ValueError("no such key")
            return {"lr": 0.1 if resolve else config["lr"], "model": {"depth": 2}}

    class DictConfig(dict[str, Any]):
        __module__ = "omega_like.dictconfig"

    library = types.ModuleType("omega_like")
    monkeypatch.setitem(sys.modules, "omega_like", library)
    assert flattened(DictConfig(lr="${x}")) == {"lr": "${x}"}, "a library that offers nothing"
    monkeypatch.setattr(library, "OmegaConf", OmegaConf, raising=False)

    assert flattened({"c": DictConfig(lr="${x}")}) == {"c.lr": 0.1, "c.model.depth": 2}
    assert flattened(DictConfig(lr="${broken}")) == {"lr": "${broken}", "model.depth": 2}


def test_secrets_are_hidden_by_name_and_by_content() -> None:
    config = {
        "api_key": "abc",
        "db": {"password": 123_456, "url": "https://ann:abc@node-1/x"},
        "secrets": {"wandb": ["abc"]},
        "argv": ["--token", "abc", "--lr", "0.1", "--password=abc"],
        "use_auth_token": True,
        "token": None,
        "pad_token_id": 0,
        "tokenizer": "bert",
        "lr": 0.1,
    }

    assert without_secrets(flattened(config)) == {
        "api_key": "***",
        "db.password": "***",
        "db.url": "https://***@node-1/x",
        "secrets.wandb": "***",
        "argv": ["--token", "***", "--lr", "0.1", "--password=***"],
        "use_auth_token": True,
        "token": None,
        "pad_token_id": 0,
        "tokenizer": "bert",
        "lr": 0.1,
    }
