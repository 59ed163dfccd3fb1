"""Teeth on a line: all of a comb's, and nothing else that stands on a line."""

import numpy as np
import pytest

from preprocessing.lines.combs import teeth
from preprocessing.lines.line import Darkness, runs_of
from preprocessing.lines.tracing import level_lines

FAINTEST, PRINT, INK = 0.06, 0.5, 0.9
LEFT, RIGHT, BASE = 30, 370, 90


def sheet(*uprights, base=((LEFT, RIGHT),)):
    """The darkness of 120x400 pixels: a line of two pixels' thickness, and uprights (column, length, thickness,
    darkness) on it; a negative length hangs from it.
    """
    darkness = np.zeros((120, 400), np.float32)
    for left, right in base:
        darkness[BASE : BASE + 2, left:right] = PRINT
    for column, length, thickness, dark in uprights:
        rows = slice(BASE - length, BASE) if length > 0 else slice(BASE, BASE + 2 - length)
        darkness[rows, column : column + thickness] = dark
    return Darkness(darkness, FAINTEST)


def found(darkness):
    """The columns of the teeth on the line in the darkness."""
    (line, *_) = level_lines(darkness)
    return sorted(round(tooth.middle) for tooth in teeth(line, darkness))


def evenly(places, length):
    columns = np.linspace(LEFT, RIGHT - 2, places + 1).round().astype(int)
    return [(int(column), length, 2, PRINT) for column in columns]


@pytest.mark.parametrize("places", [2, 3, 6, 12])
@pytest.mark.parametrize("share", [0.15, 0.5, 1.5])
@pytest.mark.parametrize("direction", [1, -1], ids=["above", "below"])
def test_teeth_above_and_below_a_line_are_found_in_their_places(places, share, direction):
    length = round(np.clip(share * (RIGHT - LEFT) / places, 8, 25 if direction < 0 else 80))
    comb = evenly(places, direction * length)
    np.testing.assert_allclose(found(sheet(*comb)), [column + 0.5 for column, *_ in comb], atol=1.1)


@pytest.mark.parametrize("stroke", [(75, 40, 2, PRINT), (190, 25, 2, PRINT), (250, 60, 6, INK)], ids=str)
def test_a_digit_that_stands_on_the_line_is_no_tooth(stroke):
    comb = evenly(5, 25)
    np.testing.assert_allclose(found(sheet(*comb, stroke)), [column + 0.5 for column, *_ in comb], atol=1.1)


STROKES = {
    "ones that do not reach the ends": [(column, 50, 2, PRINT) for column in (100, 180, 260)],
    "ones of a thicker, darker pen": [(column, 50, 7, INK) for column in (30, 145, 255, 363)],
    "uneven": [(column, 25, 2, PRINT) for column in (30, 100, 300, 368)],
    "one stroke at each end": [(column, 25, 2, PRINT) for column in (30, 368)],
    "blots": evenly(4, 3),
    "taller than wide": evenly(12, 80),
}


@pytest.mark.parametrize("name", STROKES)
def test_other_strokes_on_a_line_are_no_teeth(name):
    assert found(sheet(*STROKES[name])) == []


@pytest.mark.parametrize("places", [4, 6, 9])
@pytest.mark.parametrize("covers", [(-3, 60, 7), (-2, 35, 5), (-8, 26, 12)], ids=str)
def test_teeth_that_digits_touch_are_found_by_their_places(places, covers):
    comb = evenly(places, 25)
    away, length, thickness = covers
    for hidden in (1, places - 1):
        column = comb[hidden][0]
        stroke = (column + away, length, thickness, INK)
        np.testing.assert_allclose(found(sheet(*comb, stroke)), [each + 0.5 for each, *_ in comb], atol=2.1)


def test_a_comb_is_none_where_most_of_its_teeth_may_be_strokes():
    comb = evenly(6, 25)
    strokes = [(comb[place][0] - 3, 60, 7, INK) for place in (3, 4, 5)]
    assert found(sheet(comb[0], comb[1], comb[2], comb[6], *strokes)) == []


EVEN = [(30, 90), (120, 180), (210, 270), (300, 360)]


def test_blanks_are_parts_of_one_line_and_gaps_in_print_are_not():
    def runs(base):
        darkness = sheet(base=base)
        return [(run.start, run.end) for run in runs_of(level_lines(darkness)[0], darkness)]

    assert runs(EVEN) == EVEN
    assert runs([(30, 60), (63, 90), *EVEN[1:]]) == EVEN
    assert len(runs([(30, 150), (155, 200), (205, 370)])) == 1
    assert len(runs([(LEFT, RIGHT)])) == 1
