"""A network's figures: read from the "results" of a config.json, and written as one line of text."""

from __future__ import annotations

SUMMARY_SPLITS = ("test", "validation")  # the one that counts first
# Far more images than any split has; 10**400, which JSON may hold, cannot even be written as a percentage.
LARGEST = 1e9


def read_figures(config: object) -> dict[str, dict[str, float]]:
    """{split: {figure: number}} of a config.json from anywhere; values that cannot be shown are left out."""
    results = config.get("results") if isinstance(config, dict) else None
    return {
        str(split): {str(name): value for name, value in row.items() if is_presentable(value)}
        for split, row in (results.items() if isinstance(results, dict) else ())
        if isinstance(row, dict)
    }


def learned_from(config: object) -> int | None:
    """The number of images that a network learned from, as its config.json tells; None where it does not."""
    training = config.get("training") if isinstance(config, dict) else None
    counts = training.get("images") if isinstance(training, dict) else None
    if not isinstance(counts, dict):
        return None
    parts = ("train", "validation") if training.get("cross_fit") else ("train",)  # members hold out images, it does not
    found = [counts.get(part) for part in parts]
    return sum(found) if all(isinstance(count, int) for count in found) else None


def is_presentable(value: object) -> bool:
    """Whether it is a number of a size that a figure can have; NaN and infinity are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def summarize(results: dict[str, dict[str, float]]) -> str:
    """`test 99.16% (84 errors), validation 99.22% (47 errors)`; empty when no figure is stated."""
    parts = []
    for split in SUMMARY_SPLITS:
        row = results.get(split, {})
        if "accuracy" in row:
            errors = f" ({row['errors']:,} errors)" if "errors" in row else ""
            parts.append(f"{split} {row['accuracy']:.2%}{errors}")
    return ", ".join(parts)
