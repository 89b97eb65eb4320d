"""Recognizes handwritten digits: one party has a neural network, another has images, and neither shows them.

The network (a convolution of 8 filters of 5x5, ReLU, one dense layer) is the first party's secret input, the
images are the last party's. All numbers are whole, so that the result is exactly what the network says in
the clear. What is revealed, to all: the digits that it sees.

Network and images come from cnn_mnist.json, which all parties have here, to try it; a party uses only what is
its own, and of the rest the shapes. It needs few rounds and large messages; numpy, where it is, makes it
much faster.

    python cnn_mnist.py -M3               three parties on this machine, one image
    python cnn_mnist.py -M3 --images 4    four at once
    huddle host --parties 3 --include cnn_mnist.json cnn_mnist.py
"""

# /// script
# [tool.huddle]
# title = "Read a handwritten digit"
# learns = "The digits that the network sees. Neither the network nor the images."
# files = ["cnn_mnist.json"]
# ///

import argparse
import json
from pathlib import Path

from mpyc.numpy import np
from mpyc.runtime import mpc

SIDE, FILTER, STRIDE = 28, 5, 2
PLACES = (SIDE - FILTER) // STRIDE + 1
LAYERS = ("filters", "filter_biases", "dense", "dense_biases")


def patches():
    """For each place of a filter the indices of the pixels under it."""
    corners = [STRIDE * (row * SIDE + column) for row in range(PLACES) for column in range(PLACES)]
    inside = [row * SIDE + column for row in range(FILTER) for column in range(FILTER)]
    return [[corner + offset for offset in inside] for corner in corners]


def blank(values, mine):
    """The values, or zeros in their place where they are another party's."""
    if isinstance(values, list):
        return [blank(value, mine) for value in values]
    return values if mine else 0


async def with_arrays(secint, layers, images, last):
    """All images at once, by numpy."""
    filters, filter_biases, dense, dense_biases = (
        mpc.input(secint.array(np.array(layer)), senders=0) for layer in layers
    )
    pixels = mpc.input(secint.array(np.array(images)), senders=last)
    under = np.array(patches())
    hidden = mpc.np_vstack([image[under] for image in pixels]) @ filters + filter_biases
    hidden = hidden * (hidden >= 0)
    scores = hidden.reshape(len(images), -1) @ dense + dense_biases
    return await mpc.output([mpc.argmax(list(scores[number]))[0] for number in range(len(images))])


async def with_lists(secint, layers, images, last):
    """One image after the other, without numpy."""

    def share(values, sender):
        if isinstance(values[0], list):
            return [share(row, sender) for row in values]
        return mpc.input([secint(value) for value in values], senders=sender)

    filters, filter_biases, dense, dense_biases = (share(layer, 0) for layer in layers)
    seen = []
    for image in images:
        pixels = share(image, last)
        under = [[pixels[index] for index in patch] for patch in patches()]
        hidden = []
        for row in mpc.matrix_prod(under, filters):
            hidden += mpc.vector_add(row, filter_biases)
        hidden = mpc.schur_prod(hidden, [value >= 0 for value in hidden])
        scores = mpc.vector_add(mpc.matrix_prod([hidden], dense)[0], dense_biases)
        seen.append(await mpc.output(mpc.argmax(scores)[0]))
    return seen


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1, metavar="N", help="how many (default 1)")
    parser.add_argument("--first", type=int, default=0, metavar="I", help="from which on (default 0)")
    args = parser.parse_args()
    content = json.loads(Path(__file__).with_name("cnn_mnist.json").read_text())
    digits = content["digits"][args.first : args.first + args.images]
    if args.images < 1 or args.first < 0 or len(digits) < args.images:
        parser.error(f"there are {len(content['digits'])} images")

    last = len(mpc.parties) - 1
    layers = [blank(content[name], mpc.pid == 0) for name in LAYERS]
    images = [blank([int(pixel, 16) for pixel in digit["pixels"]], mpc.pid == last) for digit in digits]
    classify = with_arrays if np else with_lists
    async with mpc:
        seen = await classify(mpc.SecInt(content["bits"]), layers, images, last)
    for digit, found in zip(digits, seen, strict=True):
        print(f"The network sees a {int(found)}, and it is a {digit['label']}.")
    print(f"It was right about {content['accuracy']:.1%} of {content['held_out']} images unseen in training.")


if __name__ == "__main__":
    mpc.run(main())
