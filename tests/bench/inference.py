"""Time to answer beside PyTorch and ONNX Runtime, the bundled network's, eight threads at once, a million images.

    pip install -r tests/requirements.txt -r tests/bench/requirements.txt
    python tests/bench/inference.py [--quick] [--json FILE]

All three have the same 784-1000-500-10 network in float32, from pixels to probabilities, and two threads. The images
are the 6,000 digits that come with this project, the one image that of median ink. The contenders take turns,
with a pause in which the threads of the one before go to sleep; the table shows medians. Must: one image 1.0 of ONNX
Runtime and 0.6 of PyTorch; 10,000 images 1.1 of ONNX Runtime and 70% of the speed at which NumPy multiplies two large
matrices in the same run, where products with blank pixels, which ours leaves out, count as done.

Eight threads that ask for one image each, over and over, should together get as much done as one alone (goal 0.95, must
0.75): measured in processes of their own, as the app sets BLAS's threads and as NumPy would.
"""

import os
import sys

THREADS = 2
NAMES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
if "--ask" not in sys.argv:
    os.environ |= dict.fromkeys(NAMES, str(THREADS))  # read when NumPy and PyTorch are imported

import argparse  # noqa: E402
import itertools  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
import tracemalloc  # noqa: E402
from pathlib import Path  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

HIDDEN = (1000, 500)
# images: calls in one turn
BATCHES = {1: 100, 32: 30, 1_000: 3, 10_000: 1}
ROUNDS = 9
PAUSE = 0.05
PEAK_SIDE = 2048
MUST = {(1, "ONNX Runtime"): 1.0, (1, "PyTorch"): 0.6, (10_000, "ONNX Runtime"): 1.1}
ASKERS, ASKING_SECONDS = 8, 1.0


def ours(model):
    return model.predict_proba


def pytorch(model):
    import torch

    torch.set_num_threads(THREADS)
    layers = []
    for W, b in zip(*model.views(model.theta), strict=True):
        layer = torch.nn.Linear(*W.shape)
        layer.weight.data, layer.bias.data = torch.from_numpy(W.T.copy()), torch.from_numpy(b.copy())
        layers += [layer, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1], torch.nn.Softmax(dim=1))

    def answer(X):
        with torch.inference_mode():
            return net(torch.from_numpy(X)).numpy()

    return answer


def onnx_runtime(model):
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, name = [], [], "X"
    for i, (W, b) in enumerate(zip(*model.views(model.theta), strict=True)):
        constants += [numpy_helper.from_array(W, f"W{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes += [
            helper.make_node("Gemm", [name, f"W{i}", f"b{i}"], [f"z{i}"]),
            helper.make_node("Relu", [f"z{i}"], [f"h{i}"]),
        ]
        name = f"h{i}"
    nodes[-1] = helper.make_node("Softmax", nodes[-1].input, ["probs"], axis=1)
    X = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["n", model.widths[0]])
    probs = helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["n", model.classes])
    graph = helper.make_graph(nodes, "mlp", [X], [probs], constants)
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(network.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda X: session.run(None, {"X": X})[0]


CONTENDERS = {"ours": ours, "PyTorch": pytorch, "ONNX Runtime": onnx_runtime}


def digits(count):
    """(count, 784) pixels: different digits as far as there are, beginning with the one that has the median of ink."""
    import numpy as np

    from nn.pictures import sample

    shipped = sample.load()
    pixels = np.concatenate([split.pixels() for split in (shipped.test, shipped.train, shipped.validation)])
    middle = np.argsort(pixels.sum(axis=1))[len(pixels) // 2]
    return np.resize(np.roll(pixels, -middle, axis=0), (count, pixels.shape[1]))


def seconds(function, X, calls):
    """A call's time, the mean of a turn."""
    function(X[:1000])  # wakes the threads
    start = time.perf_counter()
    for _ in range(calls):
        function(X)
    return (time.perf_counter() - start) / calls


def race(model, rounds):
    """{measure: value} of all batch sizes, printed as a table."""
    import numpy as np

    contenders = {title: make(model) for title, make in CONTENDERS.items()}
    X = digits(max(BATCHES))
    for title, answer in contenders.items():
        if not np.allclose(answer(X[:100]), contenders["ours"](X[:100]), atol=1e-5):
            raise RuntimeError(f"{title} answers something else")
    a = np.ones((PEAK_SIDE, PEAK_SIDE), np.float32)
    out, peaks = np.empty_like(a), []
    times = {(n, title): [] for n in BATCHES for title in contenders}
    for _ in range(rounds):
        for (n, calls), (title, answer) in itertools.product(BATCHES.items(), contenders.items()):
            time.sleep(PAUSE)
            times[n, title].append(seconds(answer, X[:n], calls))
        time.sleep(PAUSE)
        peaks.append(seconds(lambda _: np.matmul(a, a, out=out), a, 2))

    medians, measures = {key: statistics.median(taken) for key, taken in times.items()}, {}
    print(f"{model!r}\n{'images':>8}" + "".join(f"{title + ' ms':>17}" for title in contenders) + "   ours / theirs")
    for n in BATCHES:
        row = {title: medians[n, title] for title in contenders}
        ratios = {title: row["ours"] / time for title, time in row.items() if title != "ours"}
        words = (f"{r:.2f} {t}" + (f" (must {MUST[n, t]:g})" if (n, t) in MUST else "") for t, r in ratios.items())
        print(f"{n:>8,}" + "".join(f"{time * 1e3:17.3f}" for time in row.values()) + "   " + ", ".join(words))
        measures |= {f"inference_{n}_{title}_ms": time * 1e3 for title, time in row.items()}
        measures |= {f"inference_{n}_ratio_{title}": ratio for title, ratio in ratios.items()}
    operations = 2 * max(BATCHES) * sum(map(math.prod, model.shapes))
    share = operations / medians[max(BATCHES), "ours"] / (2 * PEAK_SIDE**3 / statistics.median(peaks))
    print(f"{max(BATCHES):,} images at {share:.0%} of the speed of one large matrix product (must 70%)")
    return measures | {"inference_share_of_peak": share}


def bundled(rounds):
    """One digit, and a thousand, by the network that the app asks."""
    import weights
    from nn.fast.matrices import freeze

    answer = freeze(weights.load()).predict_proba
    measures = {}
    for n in (1, 1_000):
        time = statistics.median(seconds(answer, digits(n), BATCHES[n]) for _ in range(rounds))
        print(f"the bundled network, {n:,} image{'s' * (n > 1)}: {time * 1e3:.3f} ms")
        measures[f"inference_bundled_{n}_ms"] = time * 1e3
    return measures


def many(model, quick):
    """A thousand to a million images: time, and the memory that comes with it."""
    import numpy as np
    from tqdm import tqdm

    sizes = [10**3, 10**4] if quick else [10**3, 10**4, 10**5, 10**6]
    strip = np.random.default_rng(0).random(sizes[-1] + model.widths[0] - 1, np.float32)
    # Overlapping windows of one strip of pixels: a million rows in the memory of one, so that what is seen is ours.
    X, measures = np.lib.stride_tricks.sliding_window_view(strip, model.widths[0]), {}
    print(f"\n{'images':>10}{'seconds':>9}{'us an image':>13}{'MB for it':>11}{'of them answers':>17}")
    for n in sizes:
        tracemalloc.start()
        with tqdm(total=n, unit="image", unit_scale=True, leave=False) as bar:
            start = time.perf_counter()
            answers = model.predict_proba(X[:n], bar.update)
            taken = time.perf_counter() - start
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"{n:>10,}{taken:9.2f}{taken / n * 1e6:13.1f}{memory / 1e6:11.1f}{answers.nbytes / 1e6:17.1f}")
        measures |= {f"inference_{n}_seconds": taken, f"inference_{n}_megabytes": memory / 1e6}
    return measures


def ask(as_the_app):
    """Answers a second of one thread and of ASKERS together, as JSON on stdout; run in a process of its own."""
    if as_the_app:
        import app  # noqa: F401, sets BLAS's threads as it does when it serves
    import numpy as np

    from nn.fast.matrices import freeze
    from nn.mlp import MLP

    model = freeze(MLP(HIDDEN))
    X = np.random.default_rng(0).random((1, model.widths[0]), np.float32)

    def rate(threads):
        counts, stop = [0] * threads, time.perf_counter() + ASKING_SECONDS

        def work(i):
            while time.perf_counter() < stop:
                model.predict_proba(X)
                counts[i] += 1

        workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return sum(counts) / ASKING_SECONDS

    rate(1)
    print(json.dumps([rate(1), rate(ASKERS), rate(1), rate(ASKERS)]))


def crowd():
    """Throughput of eight threads as a share of one's, as the app sets BLAS's threads and as NumPy would."""
    print(f"\n{'one image at a time':24}{'one thread':>12}{'eight':>8}   answers a second")
    measures = {}
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    for title, argument in {"as the app": "app", "as NumPy would": "numpy"}.items():
        command = [sys.executable, __file__, "--ask", argument]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        rates = json.loads(done.stdout)
        one, eight = statistics.mean(rates[::2]), statistics.mean(rates[1::2])
        print(f"{title:24}{one:12,.0f}{eight:8,.0f}   {eight / one:.2f} (must 0.75)")
        measures[f"inference_eight_threads_{argument}"] = eight / one
    return measures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write {measure: value} to this file")
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that it works")
    parser.add_argument("--ask", choices=["app", "numpy"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ask:
        ask(arguments.ask == "app")
        return
    from nn.fast.matrices import freeze
    from nn.mlp import MLP

    model = freeze(MLP(HIDDEN))
    rounds = 2 if arguments.quick else ROUNDS
    measures = race(model, rounds) | bundled(rounds) | crowd() | many(model, arguments.quick)
    if arguments.json:
        arguments.json.write_text(json.dumps(measures, indent=2) + "\n")


if __name__ == "__main__":
    main()
