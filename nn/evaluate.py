"""Measures a trained network on MNIST: accuracy, loss, confusions, calibration.

    python -m nn.evaluate --data DIR                                  # the bundled weights
    python -m nn.evaluate --weights runs/mine --data DIR --plots runs/mine/plots --json

`python -m weights card runs/mine` writes a model card with these figures.
Training and validation figures are on the images as they are, without distortions. A cross-fitted network has seen the
validation images too: they count as training images.
"""

from __future__ import annotations

import argparse
import json

from nn import flags, programs
from nn.crossfit import seen_splits
from nn.files import BUNDLED, check_folder, load
from nn.images import load_images
from nn.measure import metrics
from nn.mlp import MLP
from nn.pictures import mnist


def report(model: MLP, results: dict[str, dict]) -> str:
    """The figures as text; confusions and classes are those of the last split, the test images."""
    heading = f"{'split':<11}{'images':>8}{'errors':>8}{'accuracy':>10}{'loss':>9}{'calibration error':>19}"
    lines = [repr(model), "", heading]
    for name, r in results.items():
        lines.append(
            f"{name:<11}{r['images']:>8,}{r['errors']:>8,}{r['accuracy']:>10.2%}{r['loss']:>9.4f}"
            f"{r['calibration_error']:>19.2%}"
        )
    name, last = list(results.items())[-1]
    lines += ["", f"Confusion matrix, {name} images (row: true, column: answered)", ""]
    lines.append("     " + "".join(f"{column[:5]:>6}" for column in last["per_class"]))
    for label, row in zip(last["per_class"], last["confusion_matrix"], strict=True):
        if sum(row):
            lines.append(f"{label[:5]:>5}" + "".join(f"{count or '.':>6}" for count in row))
    lines += ["", "Commonest confusions (true > answered)", ""]
    lines += [f"{c['true']:>5} > {c['answer']:<12}{c['count']:>4}" for c in last["commonest_confusions"]]
    lines += ["", f"{'class':>11}{'precision':>11}{'recall':>9}{'F1':>9}{'images':>8}"]
    for label, row in last["per_class"].items():
        if row["support"]:
            lines.append(
                f"{label:>11}{row['precision']:>11.2%}{row['recall']:>9.2%}{row['f1']:>9.2%}{row['support']:>8,}"
            )
    return "\n".join(lines)


@programs.reports_errors()
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m nn.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=flags.path, default=BUNDLED, help="folder (default: the bundled weights)")
    parser.add_argument("--data", type=flags.path, help=mnist.DATA_HELP)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--plots", type=flags.path, metavar="DIR", help="write PNG plots there")
    arguments = parser.parse_args(argv)
    if arguments.plots:  # before the figures, which take a while
        from nn.measure import plots  # matplotlib takes a second to import, and only plots need it

        check_folder(arguments.plots)
        history = plots.read_history(arguments.weights)
    model = load(arguments.weights)
    dataset = seen_splits(model, load_images(arguments.data))
    results = metrics.evaluate(model, dataset)
    print(json.dumps(results, indent=1) if arguments.json else report(model, results))
    if arguments.plots:
        plots.write(arguments.plots, model, dataset, results, history)
    return 0


if __name__ == "__main__":
    programs.run(main)
