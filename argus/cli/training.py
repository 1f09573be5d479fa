"""What `argus demo` trains: a real, small network in plain Python, reported with the public API.

Run as `python -m argus.cli.training`, a process of its own, as any user's training is. The data,
the network and its gradient are pure functions; only `train` reports.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from argus.cli.demo import EPOCHS

HIDDEN = 16
BATCH = 48
N_TRAIN = 3000
N_VAL = 500
LEARNING_RATES = (0.1, 0.5)
SEED = 20260422

# All parameters of the network in one list, so that a step is one line. For n hidden units: n
# weights of x, n of y, n biases, n weights of the output, and the bias of the output.
Parameters = list[float]


class Sample(NamedTuple):
    """A point of the plane and its class, 0 or 1."""

    x: float
    y: float
    label: int


class Score(NamedTuple):
    """How well a network does on a set of samples: mean cross-entropy, and the share it gets right."""

    loss: float
    accuracy: float


def rings(count: int, rng: random.Random) -> list[Sample]:
    """Two rings around the origin, class 0 at radius 1 and class 1 at radius 2, a little blurred."""
    samples = []
    for index in range(count):
        label = index % 2
        angle = rng.uniform(0.0, 2.0 * math.pi)
        radius = 1.0 + label + rng.gauss(0.0, 0.25)
        samples.append(Sample(radius * math.cos(angle), radius * math.sin(angle), label))
    rng.shuffle(samples)
    return samples


def initial_parameters(hidden: int, rng: random.Random) -> Parameters:
    """Small random weights, scaled by the number of inputs of each layer; biases of zero."""
    incoming = [rng.gauss(0.0, 1.0 / math.sqrt(2.0)) for _ in range(2 * hidden)]
    outgoing = [rng.gauss(0.0, 1.0 / math.sqrt(hidden)) for _ in range(hidden)]
    return [*incoming, *[0.0] * hidden, *outgoing, 0.0]


def activations(parameters: Parameters, x: float, y: float) -> list[float]:
    """What the hidden units, all of them tanh, answer to a point."""
    hidden = len(parameters) // 4
    units = zip(
        parameters[:hidden], parameters[hidden : 2 * hidden], parameters[2 * hidden : 3 * hidden]
    )
    tanh = math.tanh
    return [tanh(weight_x * x + weight_y * y + bias) for weight_x, weight_y, bias in units]


def logit(parameters: Parameters, answers: Sequence[float]) -> float:
    """The log-odds of class 1, from the answers of the hidden units."""
    outgoing = parameters[3 * len(answers) : 4 * len(answers)]
    return parameters[-1] + sum([weight * answer for weight, answer in zip(outgoing, answers)])


def cross_entropy(log_odds: float, label: int) -> float:
    """-log of the probability given to `label`; written so that no exp() overflows."""
    return max(log_odds, 0.0) - label * log_odds + math.log1p(math.exp(-abs(log_odds)))


def evaluate(parameters: Parameters, samples: Sequence[Sample]) -> Score:
    """The score of the network on `samples`."""
    loss, right = 0.0, 0
    for x, y, label in samples:
        log_odds = logit(parameters, activations(parameters, x, y))
        loss += cross_entropy(log_odds, label)
        right += (log_odds > 0) == (label == 1)
    return Score(loss / len(samples), right / len(samples))


def gradient(parameters: Parameters, samples: Sequence[Sample]) -> tuple[float, Parameters]:
    """The mean loss on `samples` and its derivative by each parameter."""
    hidden = len(parameters) // 4
    outgoing = parameters[3 * hidden : 4 * hidden]
    by_x, by_y, by_bias, by_outgoing = ([0.0] * hidden for _ in range(4))
    by_output_bias = loss = 0.0
    for x, y, label in samples:
        answers = activations(parameters, x, y)
        log_odds = logit(parameters, answers)
        loss += cross_entropy(log_odds, label)
        error = _probability(log_odds) - label  # d loss / d log_odds
        by_output_bias += error
        for unit, answer in enumerate(answers):
            by_outgoing[unit] += error * answer
            slope = error * outgoing[unit] * (1.0 - answer * answer)  # through the tanh
            by_bias[unit] += slope
            by_x[unit] += slope * x
            by_y[unit] += slope * y
    total = [*by_x, *by_y, *by_bias, *by_outgoing, by_output_bias]
    return loss / len(samples), [part / len(samples) for part in total]


def epoch_of_sgd(
    parameters: Parameters, samples: Sequence[Sample], learning_rate: float, rng: random.Random
) -> tuple[float, Parameters]:
    """One pass over shuffled `samples`: the mean loss met on the way, and the new parameters."""
    shuffled = rng.sample(samples, len(samples))
    losses = 0.0
    for start in range(0, len(shuffled), BATCH):
        batch = shuffled[start : start + BATCH]
        loss, slope = gradient(parameters, batch)
        losses += loss * len(batch)
        parameters = [value - learning_rate * part for value, part in zip(parameters, slope)]
    return losses / len(samples), parameters


class Epoch(NamedTuple):
    """The outcome of one epoch."""

    train_loss: float
    val: Score


def learning(learning_rate: float, epochs: int) -> Iterator[Epoch]:
    """Train a fresh network. The same data and the same start for every learning rate."""
    rng = random.Random(SEED)
    train_samples, val_samples = rings(N_TRAIN, rng), rings(N_VAL, rng)
    parameters = initial_parameters(HIDDEN, rng)
    for _ in range(epochs):
        train_loss, parameters = epoch_of_sgd(parameters, train_samples, learning_rate, rng)
        yield Epoch(train_loss, evaluate(parameters, val_samples))


def train(epochs: int) -> None:
    """One job for each learning rate, reported to the platform that ARGUS_URL names."""
    from argus import Reporter

    with Reporter(
        "demo",
        experiment_type="classification",
        source_project="argus-demo",
        n_total=len(LEARNING_RATES),
        resource_snapshot=1,
        stop_polling=1,
    ) as r:
        for lr in LEARNING_RATES:
            with r.job(f"lr={lr:g}", model=f"mlp-2x{HIDDEN}", dataset="rings") as j:
                j.log(f"training on {N_TRAIN} points, validating on {N_VAL}")
                best = math.inf
                for epoch, (train_loss, val) in enumerate(learning(lr, epochs)):
                    j.epoch(
                        epoch,
                        train_loss=train_loss,
                        val_loss=val.loss,
                        lr=lr,
                        val_accuracy=val.accuracy,
                    )
                    best = min(best, val.loss)
                    if j.stopped:
                        j.log(f"stopped after epoch {epoch}", level="WARNING")
                        break
                j.metrics({"best_val_loss": best, "val_accuracy": val.accuracy})
                j.log(f"best val_loss {best:.4f}, accuracy {100 * val.accuracy:.1f} %")


def _probability(log_odds: float) -> float:
    """The logistic function, by tanh, which does not overflow."""
    return 0.5 + 0.5 * math.tanh(0.5 * log_odds)


def main(argv: Sequence[str] | None = None) -> None:
    """The command line of the training process."""
    parser = argparse.ArgumentParser(prog="python -m argus.cli.training", description=__doc__)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="epochs of each job")
    train(max(parser.parse_args(argv).epochs, 1))


if __name__ == "__main__":
    main()
