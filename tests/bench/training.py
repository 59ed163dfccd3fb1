"""Seconds per epoch beside PyTorch and scikit-learn, what augmentation costs, and the time to 99% test accuracy.

    pip install -r tests/requirements.txt -r tests/bench/requirements.txt
    python tests/bench/training.py --data DIR [--to-99] [--quick] [--json FILE]

Every contender takes the same steps: the same network, the same batches in the same order, Adam at the same rate,
float32, two threads. They take turns, some batches each, so that whatever else the machine does meets all of them; the
medians are scaled to an epoch of 60,000 images. "of peak" is the share of the speed at which NumPy multiplies two large
matrices between those turns; products with blank pixels, which ours leaves out, count as done. Must: 0.9 of PyTorch's
fused Adam for the small network, 1.05 for the large one.

--to-99 trains from random weights until 99% of the test images are read, with our step and with PyTorch's, from the
same weights with the same distorted images.
"""

import os

THREADS = 2
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(THREADS)  # read when NumPy and PyTorch are imported

import argparse  # noqa: E402
import itertools  # noqa: E402
import json  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from nn.backprop import Backprop  # noqa: E402
from nn.functions import one_hot  # noqa: E402
from nn.mlp import MLP  # noqa: E402
from nn.optimizers import Adam, learning_rate  # noqa: E402
from nn.pictures import mnist  # noqa: E402
from nn.pictures.augment import Distortion, distort  # noqa: E402
from nn.recipes import PRESETS  # noqa: E402
from nn.runs import member_of  # noqa: E402

torch.set_num_threads(THREADS)
EPOCH_IMAGES = 60_000
RATE = 1e-3

# name: hidden layers, batch size, steps in one turn, and the ratio to PyTorch's fused Adam that must be reached
NETWORKS = {"small": ((256, 128), 128, 40, 0.9), "large": ((1000, 500), 256, 12, 1.05)}
ROUNDS = 12
BUDGET = 40  # seconds for a network, after which no new round starts: on busy cores a round can take ten times longer
PEAK_SIDE = 2048  # large enough for the full speed of a matrix product

# The recipe of --to-99; it passes 99% in its last epochs, where the rate has come down.
TO_99 = {
    "hidden": (512, 256),
    "batch": 256,
    "rate": 2e-3,
    "epochs": 12,
    "distortion": Distortion(rotation=10, elastic=0.8),
}


class Ours:
    """The step that nn.train takes."""

    def __init__(self, hidden, batch):
        self.model = MLP(hidden, seed=1)
        self.backprop = Backprop(self.model, batch)
        self.adam = Adam(self.model.theta.size)

    def step(self, X, y, rate=RATE):
        self.backprop(X, one_hot(y, 10))
        self.adam.step(self.model.theta, self.backprop.gradient, rate)

    def logits(self, X):
        return self.model.logits(X)


class Torch:
    """The same in PyTorch, eager, as its tutorials write it, from the same weights."""

    def __init__(self, hidden, batch, fused=None):
        model, layers = MLP(hidden, seed=1), []
        for W, b in zip(model.weights, model.biases, strict=True):
            layer = torch.nn.Linear(*W.shape)
            layer.weight.data, layer.bias.data = torch.from_numpy(W.T.copy()), torch.from_numpy(b.copy())
            layers += [layer, torch.nn.ReLU()]
        self.net = torch.nn.Sequential(*layers[:-1])
        self.adam = torch.optim.Adam(self.net.parameters(), fused=fused)

    def step(self, X, y, rate=RATE):
        self.adam.param_groups[0]["lr"] = rate
        loss = torch.nn.functional.cross_entropy(self.net(torch.from_numpy(X)), torch.from_numpy(y))
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()

    def logits(self, X):
        with torch.inference_mode():
            return self.net(torch.from_numpy(X)).numpy()


class TorchFused(Torch):
    def __init__(self, hidden, batch):
        super().__init__(hidden, batch, fused=True)


class Sklearn:
    """scikit-learn's MLPClassifier; partial_fit goes through the images it is given once, in batches."""

    def __init__(self, hidden, batch):
        self.net = MLPClassifier(hidden, alpha=0, batch_size=batch, learning_rate_init=RATE, shuffle=False)


CONTENDERS = {"ours": Ours, "PyTorch, Adam": Torch, "PyTorch, fused Adam": TorchFused, "scikit-learn": Sklearn}


def turn(contender, X, y, batch):
    """Seconds a contender takes for the batches in X."""
    start = time.perf_counter()
    if isinstance(contender, Sklearn):
        contender.net.partial_fit(X, y, classes=range(10))
    else:
        for i in range(0, len(X), batch):
            contender.step(X[i : i + batch], y[i : i + batch])
    return time.perf_counter() - start


def peak():
    """GFLOP/s of one product of two large matrices."""
    a = np.ones((PEAK_SIDE, PEAK_SIDE), np.float32)
    out = np.empty_like(a)
    np.matmul(a, a, out=out)
    start = time.perf_counter()
    np.matmul(a, a, out=out)
    return 2e-9 * PEAK_SIDE**3 / (time.perf_counter() - start)


def operations(hidden, batch):
    """Floating point operations of one step: forward, and backward for weights and for hidden layers."""
    sizes = (784, *hidden, 10)
    products = [fan_in * fan_out for fan_in, fan_out in itertools.pairwise(sizes)]
    return 2 * batch * (3 * sum(products) - products[0])


def race(name, train, rounds):
    """{measure: value} of one network, printed as a table."""
    hidden, batch, steps, must = NETWORKS[name]
    images, labels = train.pixels(), train.labels.astype(np.int64)
    contenders = {title: make(hidden, batch) for title, make in CONTENDERS.items()}
    times, peaks = {title: [] for title in contenders}, []
    deadline = time.perf_counter() + BUDGET
    for i in range(rounds + 1):
        if i > 1 and time.perf_counter() > deadline:
            break
        first = i * steps * batch % (len(images) - steps * batch)
        X, y = images[first : first + steps * batch], labels[first : first + steps * batch]
        for title, contender in contenders.items():
            turn(contender, X[:batch], y[:batch], batch)  # the threads of the one before go to sleep meanwhile
            times[title].append(turn(contender, X, y, batch))
        peaks.append(peak())
    ours, theirs = contenders["ours"].logits(images[:1000]), contenders["PyTorch, Adam"].logits(images[:1000])
    if (agreement := float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean())) < 0.95:
        raise RuntimeError(f"after the same steps ours and PyTorch's answers agree for {agreement:.0%} of the images")

    medians = {title: statistics.median(taken[1:]) / steps for title, taken in times.items()}
    gflops, top = operations(hidden, batch) / medians["ours"] / 1e9, statistics.median(peaks[1:])
    print(f"\n784-{'-'.join(map(str, hidden))}-10, batches of {batch}, Adam: seconds per epoch of {EPOCH_IMAGES:,}")
    for title, seconds in medians.items():
        print(f"{title:22}{seconds * EPOCH_IMAGES / batch:8.2f}   ours / this: {medians['ours'] / seconds:.2f}")
    print(
        f"ours: {gflops:.0f} of {top:.0f} GFLOP/s, {gflops / top:.0%} of peak; must: {must:g} of PyTorch's fused Adam"
    )
    measures = {f"training_{name}_{title}_epoch_s": s * EPOCH_IMAGES / batch for title, s in medians.items()}
    ratios = {f"training_{name}_ratio_{title}": medians["ours"] / s for title, s in medians.items() if title != "ours"}
    return measures | ratios | {f"training_{name}_share_of_peak": gflops / top}


def augmentation(train, rounds):
    """What distorting costs beside the steps of a member of the `best` network."""
    recipe = member_of(PRESETS["best"].recipe, 1)
    batch = recipe.batch_size
    contender = Ours(recipe.hidden, batch)
    images, rng, distorting, stepping = train.images[: 4 * batch], np.random.default_rng(0), [], []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        copies = distort(images, rng, recipe.distortion)
        distorting.append(time.perf_counter() - start)
        stepping.append(turn(contender, copies, train.labels[: len(images)], batch))
    one, other = statistics.median(distorting[1:]), statistics.median(stepping[1:])
    share = one / (one + other)
    hidden = "-".join(map(str, recipe.hidden))
    print(f"\naugmentation of a member of `best`, {hidden}: {share:.0%} of an epoch (must: below 50%), ", end="")
    print(f"{one / len(images) * 1e6:.0f} us an image beside {other / len(images) * 1e6:.0f} us for the step")
    return {"training_augmentation_share": share}


def to_99(dataset):
    """Seconds from random weights to 99% of the test images, evaluation after each epoch included."""
    recipe, train, test = TO_99, dataset.train, dataset.test
    pixels, measures = test.pixels(), {}
    print("\nfrom random weights to 99% of the test images")
    for title in ("ours", "PyTorch, fused Adam"):
        contender, rng = CONTENDERS[title](recipe["hidden"], recipe["batch"]), np.random.default_rng(0)
        per_epoch = len(train) // recipe["batch"]
        start = time.perf_counter()
        for epoch in range(recipe["epochs"]):
            order = rng.permutation(len(train))
            for i in range(per_epoch):
                rows = order[i * recipe["batch"] : (i + 1) * recipe["batch"]]
                step = epoch * per_epoch + i
                rate = learning_rate(step, recipe["epochs"] * per_epoch, recipe["rate"], "cosine", per_epoch // 2)
                X = distort(train.images[rows], rng, recipe["distortion"])
                contender.step(X, train.labels[rows].astype(np.int64), rate)
            accuracy = float((contender.logits(pixels).argmax(axis=1) == test.labels).mean())
            seconds = time.perf_counter() - start
            print(f"{title:22}epoch {epoch + 1:2}  {seconds:6.1f} s  {accuracy:.2%}")
            if accuracy >= 0.99:
                measures[f"training_to_99_{title}_s"] = seconds
                break
    return measures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("MNIST_DIR"), help="MNIST's IDX files (MNIST_DIR)")
    parser.add_argument("--to-99", action="store_true", help="time to 99%% test accuracy instead; about two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write {measure: value} to this file")
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that it works")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", module="sklearn")

    try:
        dataset = mnist.load(arguments.data)
    except mnist.DataError as error:
        sys.exit(f"error: {error}")
    if arguments.to_99:
        measures = to_99(dataset)
    else:
        rounds = 2 if arguments.quick else ROUNDS
        measures = augmentation(dataset.train, rounds)
        for name in NETWORKS:
            measures |= race(name, dataset.train, rounds)
    if arguments.json:
        arguments.json.write_text(json.dumps(measures, indent=2) + "\n")


if __name__ == "__main__":
    main()
