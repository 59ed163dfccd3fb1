"""What a network scored: the figures that config.json states under "results", and how they are told."""

from __future__ import annotations

TOLD = ("test", "validation")  # splits, the one that counts first


def figures(config: object) -> dict[str, dict[str, float]]:
    """{split: {figure: number}} of a config.json, which anybody may have written: whatever is no number is left out."""
    results = config.get("results") if isinstance(config, dict) else None
    return {
        str(split): {str(k): v for k, v in row.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        for split, row in (results.items() if isinstance(results, dict) else ())
        if isinstance(row, dict)
    }


def in_words(results: dict[str, dict[str, float]]) -> str:
    """`test 99.16% (84 errors), validation 99.22% (47 errors)`; empty when nothing is stated."""
    parts = []
    for split in TOLD:
        row = results.get(split, {})
        if "accuracy" in row:
            errors = f" ({row['errors']:,} errors)" if "errors" in row else ""
            parts.append(f"{split} {row['accuracy']:.2%}{errors}")
    return ", ".join(parts)
