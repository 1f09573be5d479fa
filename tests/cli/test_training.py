from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from argus.cli import training
from argus.cli.training import (
    Sample,
    cross_entropy,
    epoch_of_sgd,
    evaluate,
    gradient,
    initial_parameters,
    learning,
    rings,
)


def test_gradient_agrees_with_finite_differences():
    rng = random.Random(1)
    parameters = [rng.gauss(0.0, 1.0) for _ in range(4 * 5 + 1)]
    samples = rings(7, rng)
    loss, slopes = gradient(parameters, samples)
    assert loss == pytest.approx(evaluate(parameters, samples).loss)
    step = 1e-5
    for at, slope in enumerate(slopes):
        up, down = list(parameters), list(parameters)
        up[at] += step
        down[at] -= step
        difference = evaluate(up, samples).loss - evaluate(down, samples).loss
        assert slope == pytest.approx(difference / (2 * step), rel=1e-5, abs=1e-8)
    assert len(slopes) == len(parameters)


@pytest.mark.parametrize("log_odds", [-800.0, -3.0, 0.0, 3.0, 800.0])
def test_cross_entropy_is_the_log_of_the_probability_and_never_overflows(log_odds):
    for label, sign in ((1, 1.0), (0, -1.0)):
        probability = 0.5 + 0.5 * math.tanh(sign * log_odds / 2)
        expected = -math.log(probability) if probability > 1e-12 else abs(log_odds)
        assert cross_entropy(log_odds, label) == pytest.approx(expected, abs=1e-12)


def test_score_counts_what_the_network_gets_right():
    # One unit that answers tanh(x), weighed by 10: class 1 is where x > 0.
    parameters = [1.0, 0.0, 0.0, 10.0, 0.0]
    samples = [Sample(2.0, 0.0, 1), Sample(-2.0, 5.0, 0), Sample(2.0, 0.0, 0), Sample(-2.0, 0.0, 0)]
    assert evaluate(parameters, samples).accuracy == 0.75


def test_rings_are_two_balanced_classes_at_two_radii():
    samples = rings(1000, random.Random(2))
    radii = {
        label: [math.hypot(sample.x, sample.y) for sample in samples if sample.label == label]
        for label in (0, 1)
    }
    assert len(radii[0]) == len(radii[1]) == 500
    assert sum(radii[0]) / 500 == pytest.approx(1.0, abs=0.05)
    assert sum(radii[1]) / 500 == pytest.approx(2.0, abs=0.05)


def test_a_small_network_learns_the_rings():
    rng = random.Random(3)
    samples = rings(200, rng)
    parameters = initial_parameters(8, rng)
    before = evaluate(parameters, samples)
    for _ in range(60):
        _, parameters = epoch_of_sgd(parameters, samples, 1.0, rng)
    after = evaluate(parameters, samples)
    assert after.loss < before.loss / 3
    assert after.accuracy > 0.9


def test_a_pass_changes_no_list_that_it_was_given():
    rng = random.Random(4)
    samples, parameters = rings(10, rng), initial_parameters(4, rng)
    kept = list(samples), list(parameters)
    epoch_of_sgd(parameters, samples, 0.1, rng)
    assert (samples, parameters) == kept


def test_the_same_seed_gives_the_same_training(monkeypatch):
    monkeypatch.setattr(training, "N_TRAIN", 100)
    monkeypatch.setattr(training, "N_VAL", 50)
    assert list(learning(0.5, 3)) == list(learning(0.5, 3))
    assert list(learning(0.5, 3)) != list(learning(0.1, 3))


class Recorder:
    """Stands for Reporter and its jobs: keeps what is reported, in plain words."""

    def __init__(self, *args, **kwargs):
        self.heard: list[tuple[Any, ...]] = [("batch", args, kwargs)]
        Recorder.last = self

    last: Recorder

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.heard.append(("end", exc_info[0]))

    def job(self, job_id, **kwargs):
        self.heard.append(("job", job_id, kwargs))
        return self

    def epoch(self, epoch, **values):
        self.heard.append(("epoch", epoch, values))

    def metrics(self, values):
        self.heard.append(("metrics", values))

    def log(self, message, level="INFO"):
        self.heard.append(("log", message, level))

    stopped = False

    def of(self, kind):
        return [entry for entry in self.heard if entry[0] == kind]


@pytest.fixture
def recorder(monkeypatch):
    monkeypatch.setattr("argus.Reporter", Recorder, raising=False)
    monkeypatch.setattr(training, "N_TRAIN", 100)
    monkeypatch.setattr(training, "N_VAL", 50)


def test_training_reports_every_epoch_of_both_jobs(recorder):
    training.main(["--epochs", "3"])
    heard = Recorder.last
    assert heard.heard[0][2]["n_total"] == 2
    assert [job_id for _, job_id, _ in heard.of("job")] == ["lr=0.1", "lr=0.5"]
    assert [epoch for _, epoch, _ in heard.of("epoch")] == [0, 1, 2, 0, 1, 2]
    for _, _, values in heard.of("epoch"):
        assert set(values) == {"train_loss", "val_loss", "lr", "val_accuracy"}
    for _, values in heard.of("metrics"):
        assert json.dumps(values, allow_nan=False)
    assert len(heard.of("end")) == 3  # two jobs and the batch


def test_training_ends_each_job_when_the_stop_button_was_pressed(recorder, monkeypatch):
    monkeypatch.setattr(Recorder, "stopped", True)
    training.train(5)
    assert [epoch for _, epoch, _ in Recorder.last.of("epoch")] == [0, 0]
    assert ("log", "stopped after epoch 0", "WARNING") in Recorder.last.heard
