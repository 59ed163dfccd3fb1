"""Made-up training pictures: redrawn digits, and what is no digit."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from nn.made_up import frame
from nn.pictures import digits, letters, nearness, non_digits, synthetic
from nn.pictures.mnist import Split
from nn.pictures.nearness import without_look_alikes
from nn.pictures.non_digits import NOT_A_DIGIT_CLASS, out_of_distribution
from nn.pictures.pens import CANVAS, ZOOM, blank, cropped, thickened
from nn.pictures.redrawn import BLUR, BLUR_REACH, MARGIN, SLASHED_ZEROS, box_around, enlarged, redraw


def ring():
    """A zero in MNIST's manner, (28, 28) uint8."""
    y, x = np.mgrid[:28, :28] - 13.5
    return (255 * np.clip(2 - np.abs(np.hypot(x * 1.3, y) - 8.5), 0, 1)).astype(np.uint8)


def bar():
    """A one in MNIST's manner."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13:15] = 255
    return image


def redrawn(image, label, n=60):
    rng = np.random.default_rng(0)
    return np.stack([redraw(image, label, rng, frame) for _ in range(n)]).astype(float) / 255


def test_a_redrawn_digit_is_framed_like_any_other():
    for picture in redrawn(ring(), 8):
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)


def test_pens_differ_in_width():
    ink = redrawn(ring(), 8).sum(axis=(1, 2))
    assert ink.max() > 1.5 * ink.min()


def test_about_a_third_of_the_zeros_are_slashed_and_eights_never():
    middle = np.s_[:, 12:17, 12:17]
    slashed = (redrawn(ring(), 0)[middle].max(axis=(1, 2)) > 0.5).mean()
    untouched = (redrawn(ring(), 8)[middle].max(axis=(1, 2)) > 0.5).mean()
    assert slashed == pytest.approx(SLASHED_ZEROS, abs=0.15)
    assert untouched < 0.1  # a fat pen may fill the loop


def test_some_ones_get_a_base_or_a_flag():
    width = [np.ptp(np.flatnonzero(picture.any(axis=0))) for picture in redrawn(bar(), 1)]
    assert 0.25 < np.mean(np.array(width) > 4) < 0.8


def test_non_digits_have_ink_and_repeat_with_the_seed():
    digits = np.stack([ring(), bar()])
    first, again = (non_digits.non_digits(40, digits, np.random.default_rng(3), frame) for _ in range(2))
    assert first.shape == (40, 28, 28)
    assert (first.max(axis=(1, 2)) > 100).all()
    np.testing.assert_array_equal(first, again)


def test_letters_that_look_like_digits_are_never_drawn():
    rng = np.random.default_rng(0)
    drawn = {non_digits.pick_sign(rng)[0] for _ in range(3000)}
    assert {"A", "X", "K", "w", "#"} <= drawn
    assert not drawn & set("0123456789OlISZØÒбЗ")


def test_no_written_letter_is_one_that_looks_like_a_digit():
    signs = {name.rstrip("0123456789") for name in letters.STROKES}
    assert not signs & (non_digits.LOOK_ALIKES | {""})


def test_every_style_is_a_text_of_points_on_its_grid():
    for text in [*letters.STROKES.values(), *(text for known in digits.texts().values() for text in known)]:
        for stroke in text.split("|"):
            points = stroke.removeprefix("~").split()
            assert len(points) >= 2
            assert all(len(point) == 2 and point.isdigit() for point in points), text


def test_an_ambiguous_shape_is_written_under_each_of_its_digits():
    for claimed, text in digits.AMBIGUOUS.values():
        assert len(claimed) > 1
        assert [digit for digit, known in digits.texts().items() if text in known] == sorted(claimed)


def test_no_style_of_one_digit_is_a_style_of_another_unless_it_is_called_ambiguous():
    texts = [text for styles in digits.STYLES.values() for text in styles.values()]
    assert len(set(texts)) == len(texts)
    assert not set(texts) & set(letters.STROKES.values())


def test_strokes_that_share_a_point_still_meet_however_it_wanders():
    still = letters.Hand(point=2.0, stroke=0.0, rounded=0.0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        loop, stem = letters.write("~60 00 05 65 60|60 49", rng, still)
        np.testing.assert_allclose(loop[0], loop[-1])
        np.testing.assert_allclose(loop[-1], stem[0])


def test_written_digits_come_with_their_labels_in_equal_shares(monkeypatch):
    monkeypatch.setattr(synthetic, "TASK", 16)
    train = Split(np.stack([ring(), bar()]), np.array([0, 1]))
    made = synthetic.make(train, 0, frame, redrawn=0, written=40, non_digits=0)
    assert made.redrawn.shape == made.non_digits.shape == (0, 28, 28)
    np.testing.assert_array_equal(np.bincount(made.written.labels), [4] * 10)
    ink = made.written.images.reshape(40, -1).sum(axis=1).reshape(4, 10)
    assert ink[:, 8].mean() > ink[:, 1].mean()  # an eight has more ink than a one


def test_thickening_takes_the_largest_of_the_square_around_each_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    for reach in (1, 3):
        expected = Image.fromarray(pixels).filter(ImageFilter.MaxFilter(2 * reach + 1))
        np.testing.assert_array_equal(thickened(pixels, reach), np.asarray(expected))


def test_a_letter_is_written_differently_every_time_and_fills_its_box():
    rng = np.random.default_rng(0)
    drawn = [np.concatenate(letters.written(rng)) for _ in range(500)]
    assert len({points.tobytes() for points in drawn}) == 500
    extents = np.array([np.abs(points).max() for points in drawn])
    assert extents.min() > 0.6
    assert extents.max() < 2.2  # turned, stretched and slanted


def test_smoothing_cuts_corners_and_keeps_ends():
    corner = np.array([[0.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
    smooth = letters.smoothed(corner, 3)
    np.testing.assert_array_equal(smooth[[0, -1]], corner[[0, -1]])
    assert np.hypot(*(smooth - corner[1]).T).min() > 0.7


def test_a_glyph_the_font_lacks_is_not_drawn_as_a_box():
    font = non_digits.fonts()[0]
    assert non_digits.has(font, "A")
    assert not non_digits.has(font, "\ue123")


def test_a_glyph_has_the_box_of_the_unknown_one_only_if_it_looks_like_it():
    font = non_digits.fonts()[2]
    unknown = bytes(font.getmask("\uffff"))
    signs = [chr(code) for low, high in non_digits.LETTER_BLOCKS for code in range(low, high + 1)]
    known = [bytes(font.getmask(sign)) != unknown for sign in signs]
    assert [non_digits.has(font, sign) for sign in signs] == known
    assert 0 < sum(known) < len(signs)


def test_a_bent_letter_is_all_of_it():
    image, rng = blank(), np.random.default_rng(0)
    ImageDraw.Draw(image).text((CANVAS, CANVAS), "W", fill=255, font=non_digits.fonts()[0], anchor="mm")
    for _ in range(20):
        matrix = np.eye(2) + rng.normal(0, 0.2, (2, 2))
        x, y = CANVAS - matrix @ [CANVAS, CANVAS]
        coefficients = *matrix[0], x, *matrix[1], y
        whole = image.transform(image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(cropped(non_digits.bent(image, matrix)), cropped(whole))


def test_an_enlarged_digit_loses_nothing_though_its_ink_alone_is_resized():
    for image in (ring(), bar(), np.full((28, 28), 255, np.uint8), np.zeros((28, 28), np.uint8)):
        whole = Image.fromarray(np.pad(image, MARGIN))
        whole = whole.resize((whole.width * ZOOM, whole.height * ZOOM), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(enlarged(image), whole)


def test_the_blur_reaches_no_farther_than_what_is_kept_around_a_digit():
    image = Image.new("L", (60, 60))
    image.paste(255, (20, 20, 40, 40))
    around = box_around(image, BLUR_REACH)
    blur = ImageFilter.GaussianBlur(BLUR)
    np.testing.assert_array_equal(image.crop(around).filter(blur), image.filter(blur).crop(around))


def test_pictures_that_look_like_a_digit_are_left_out():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (30, 28, 28))
    digits = np.clip(np.repeat(base, 5, axis=0) + rng.normal(0, 20, (150, 28, 28)), 0, 255).astype(np.uint8)
    rng.shuffle(digits)
    others = rng.integers(0, 256, (6, 28, 28)).astype(np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearness, "REFERENCES", 100)
        kept = without_look_alikes(np.concatenate([digits[:6], others]), digits)
    np.testing.assert_array_equal(kept, others)


def test_the_bound_never_overstates_a_distance():
    noise = np.random.default_rng(0).normal(0, 20, (300, 28, 28))
    digits = np.clip(np.stack([ring(), bar()] * 150) + noise, 0, 255).astype(np.uint8)
    pictures = np.stack([*redrawn(digits[0], 0, 30), *redrawn(digits[1], 1, 30)])
    pictures = np.rint(pictures * 255).astype(np.uint8)
    bound, exact = nearness.at_least_apart(pictures, digits), nearness.nearest_distance(pictures, digits)
    assert (bound <= exact * nearness.SURELY).all()
    assert np.median(bound / exact) > 0.5, "a bound that leaves out next to nothing"


def test_each_process_redraws_its_own_part(monkeypatch):
    train = Split(np.stack([ring(), bar()] * 10), np.array([0, 1] * 10))
    monkeypatch.setattr(synthetic, "TASK", 8)
    made = synthetic.make(train, 0, frame, redrawn=2, written=0, non_digits=16)
    alone = synthetic._redraw_task(0, frame, 1, train[8:16])
    again = synthetic._redraw_task(0, frame, 4, train[8:16])
    assert made.redrawn.shape == (40, 28, 28)
    np.testing.assert_array_equal(made.redrawn[8:16], alone)
    np.testing.assert_array_equal(made.redrawn[28:36], again)
    assert (again != alone).any(axis=(1, 2)).all()


def test_digits_out_of_distribution_are_mirrored_or_turned_and_those_that_stay_digits_are_left_out():
    images = np.arange(10 * 784).reshape(10, 28, 28).astype(np.uint8)
    others = out_of_distribution(Split(images, np.arange(10)))
    expected = [images[d][:, ::-1] for d in (2, 3, 4, 5, 6, 7, 9)]
    expected += [np.rot90(images[d], turn) for turn in (1, -1) for d in range(2, 10)]
    np.testing.assert_array_equal(others.images, expected)
    assert set(others.labels) == {NOT_A_DIGIT_CLASS}
