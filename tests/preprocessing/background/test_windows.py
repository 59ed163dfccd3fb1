"""Dark windows with light digits, as on meters, counters and house numbers."""

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

import app
from preprocessing.background.windows import windows_in

FONTS = matplotlib.get_data_path() + "/fonts/ttf/"
NAMES = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf", "DejaVuSerif.ttf", "STIXGeneralBol.ttf"]
EACH = 10  # counters in each font
MOST_MISREAD = {"on a screen": 2, "photographed": 1}  # strokes may be as thick as those of a thick 8


def counter(rng, font, text):
    """A counter with a dark window for each digit, and how high its font is."""
    high = int(rng.choice([36, 48, 64, 100]))
    wide, tall = int(high * rng.uniform(0.85, 1.1)), int(high * rng.uniform(1.15, 1.4))
    gap, margin = int(high * rng.uniform(0.08, 0.2)), int(high * rng.uniform(0.3, 0.6))
    size = len(text) * (wide + gap) - gap + 2 * margin, tall + 2 * margin
    picture = Image.new("L", size, int(rng.integers(150, 230)))
    draw, font = ImageDraw.Draw(picture), ImageFont.truetype(FONTS + font, high)
    for index, digit in enumerate(text):
        left = margin + index * (wide + gap)
        draw.rectangle((left, margin, left + wide, margin + tall), fill=25)
        draw.text((left + wide / 2, margin + tall / 2), digit, 240, font, anchor="mm")
    return picture, high


def photographed(rng, picture, high):
    """A little turned, blurred and noisy, in light that falls off to one side."""
    paper = picture.getpixel((0, 0))
    picture = picture.rotate(rng.uniform(-3, 3), Image.Resampling.BICUBIC, fillcolor=paper)
    levels = np.asarray(picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, high / 60))), float)
    light = 1 + rng.uniform(-0.2, 0.2) * np.linspace(-0.5, 0.5, levels.shape[1])
    return Image.fromarray(np.clip(levels * light + rng.normal(0, 2, levels.shape), 0, 255).astype(np.uint8))


def text_of(picture):
    return "".join(reading.symbol for reading in app.read(picture))


@pytest.mark.parametrize("font", NAMES)
@pytest.mark.parametrize("kind", MOST_MISREAD)
def test_digits_in_dark_windows_are_read(font, kind):
    rng, misread = np.random.default_rng(7), []
    for _ in range(EACH):
        text = "".join(rng.choice(list("012356789"), rng.integers(3, 7)))  # in some fonts a 4 looks like a 1
        picture, high = counter(rng, font, text)
        if kind == "photographed":
            picture = photographed(rng, picture, high)
        if (read := text_of(picture)) != text:
            misread.append((text, read))
    assert len(misread) <= MOST_MISREAD[kind], misread


@pytest.mark.parametrize("colours", [("#0b3d2e", "#f2f2f2", "#b0b0a8"), ("#10204a", "white", "#d8d0c0")])
def test_a_house_number_on_a_dark_plate_with_a_border_is_read(colours):
    plate, ink, wall = colours
    picture = Image.new("RGB", (420, 280), wall)
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((50, 50, 370, 230), 12, fill=plate)
    draw.rounded_rectangle((60, 60, 360, 220), 8, outline=ink, width=5)
    draw.text((210, 140), "258", ink, ImageFont.truetype(FONTS + "DejaVuSans-Bold.ttf", 110), anchor="mm")
    assert text_of(picture) == "258"


@pytest.mark.parametrize("corners", [None, 4, 5, 6, 8])
def test_a_digit_on_a_badge_is_read(corners):
    for digit in "0123456789":
        picture = Image.new("RGB", (400, 400), "white")
        draw = ImageDraw.Draw(picture)
        if corners:
            draw.regular_polygon(
                (200, 200, 170), corners, rotation=180 / corners if corners == 4 else 0, fill="#c8202a"
            )
        else:
            draw.ellipse((60, 60, 340, 340), fill="#c8202a")
        draw.text((200, 200), digit, "white", ImageFont.truetype(FONTS + "DejaVuSans.ttf", 130), anchor="mm")
        assert text_of(picture) == digit


@pytest.mark.parametrize("pen", [40, 60, 80, 100])
@pytest.mark.parametrize("lean", [-60, 0, 60])
def test_the_slit_in_a_fat_zero_is_no_digit_on_a_badge(pen, lean):
    for width in (60, 120, 180):
        ring = Image.new("L", (400, 400))
        angle = np.linspace(0, 2 * np.pi, 90)
        path = np.stack([200 + width / 2 * np.cos(angle) - lean * np.sin(angle), 200 + 90 * np.sin(angle)], axis=1)
        for x, y in path:
            ImageDraw.Draw(ring).ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=255)
        assert windows_in(np.asarray(ring.reduce(2)) / np.float32(255)) is None, width


def zero_with_hole(size, hole, turn, lean):
    """Ink of a blot of this size with a hole of that size, which is turned in it, all of it leaning by so much."""
    blot, inside = Image.new("L", (400, 400)), Image.new("L", (400, 400))
    for picture, (wide, high) in ((blot, size), (inside, hole)):
        box = (200 - wide / 2, 200 - high / 2, 200 + wide / 2, 200 + high / 2)
        ImageDraw.Draw(picture).ellipse(box, fill=255)
    blot.paste(0, mask=inside.rotate(turn, Image.Resampling.BICUBIC))
    return blot.rotate(lean, Image.Resampling.BICUBIC)


def is_read_as_zero(drawn):
    return windows_in(np.asarray(drawn.reduce(2)) / np.float32(255)) is None and text_of(ImageOps.invert(drawn)) == "0"


@pytest.mark.parametrize("lean", [-15, 0, 15])
@pytest.mark.parametrize(
    ("size", "hole", "turn"),
    [
        ((275, 286), (55, 82), 0),
        ((252, 270), (42, 68), 0),
        ((245, 258), (47, 68), 0),
        ((270, 281), (51, 81), 90),
        ((267, 291), (58, 89), 45),
    ],
)
def test_the_hole_in_a_nearly_round_blot_of_a_zero_is_no_digit_on_a_badge(size, hole, turn, lean):
    assert is_read_as_zero(zero_with_hole(size, hole, turn, lean))


@pytest.mark.parametrize("lean", [-15, 0, 15])
@pytest.mark.parametrize(
    ("size", "hole"),
    [((222, 272), (24, 124)), ((266, 306), (32, 116)), ((242, 284), (28, 130)), ((252, 294), (34, 130))],
)
@pytest.mark.parametrize("turn", [0, 20])
def test_a_long_slit_in_a_fat_zero_is_no_digit_on_a_badge(size, hole, turn, lean):
    assert is_read_as_zero(zero_with_hole(size, hole, turn, lean))


@pytest.mark.parametrize("wider", [1, 1.2, 1.4, 1.6])
@pytest.mark.parametrize("pen", [2, 6])
@pytest.mark.parametrize("font", ["DejaVuSans-Bold.ttf", "DejaVuSerif-Bold.ttf", "STIXGeneralBol.ttf"])
def test_no_wide_bold_digit_is_a_badge(font, pen, wider):
    for digit in "23569":
        picture = Image.new("L", (200, 200))
        face = ImageFont.truetype(FONTS + font, 120)
        ImageDraw.Draw(picture).text((100, 100), digit, 255, face, "mm", stroke_width=pen, stroke_fill=255)
        picture = picture.resize((round(200 * wider), 200))
        assert windows_in(np.asarray(picture) / np.float32(255)) is None, digit


@pytest.mark.parametrize("font", NAMES)
def test_no_printed_digit_is_a_window(font):
    for high in (30, 60, 120):
        for digit in "0123456789":
            picture = Image.new("L", (high, high + high // 3), 255)
            ImageDraw.Draw(picture).text((high // 8, 0), digit, 0, ImageFont.truetype(FONTS + font, high))
            assert windows_in(1 - np.asarray(picture) / np.float32(255)) is None, (high, digit)


@pytest.mark.parametrize("width", [12, 20, 28, 36])
@pytest.mark.parametrize("bar", [False, True])
def test_a_thick_angular_zero_or_eight_is_no_window(width, bar):
    picture = Image.new("L", (160, 200))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((30, 20, 130, 180), outline=255, width=width)
    if bar:
        draw.rectangle((30, 100 - width // 2, 130, 100 + width // 2), fill=255)
    assert windows_in(np.asarray(picture) / np.float32(255)) is None


def test_a_picture_in_an_even_margin_is_seen_without_it_from_close_by():
    picture = Image.new("L", (150, 60), 190)
    draw, font = ImageDraw.Draw(picture), ImageFont.truetype(FONTS + "DejaVuSans-Bold.ttf", 18)
    draw.rectangle((10, 16, 139, 43), fill=20)
    draw.text((75, 30), "2 0 5 7 3", 235, font, anchor="mm")
    assert text_of(picture) == "20573"


def test_windows_may_cover_more_of_a_photograph_than_paper_does():
    misread = []
    for way in range(30, 50):
        rng = np.random.default_rng(way)
        text = "".join(rng.choice(list("012356789"), rng.integers(3, 7)))
        picture, high = counter(rng, "DejaVuSans.ttf", text)
        margin = int(rng.uniform(0.05, 0.3) * high)
        picture = picture.crop((margin, margin, picture.width - margin, picture.height - margin))
        soft = np.asarray(picture.convert("RGB").filter(ImageFilter.GaussianBlur(rng.uniform(0, high / 50))), float)
        y, x = (np.linspace(-0.5, 0.5, size) for size in soft.shape[:2])
        light = 1 + rng.uniform(-0.3, 0.3) * x + rng.uniform(-0.3, 0.3) * y[:, None]
        levels = soft * light[..., None] * rng.uniform(0.75, 1.05) + rng.normal(0, rng.choice([1, 3, 6]), soft.shape)
        if (read := text_of(Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)))) != text:
            misread.append((text, read))
    assert len(misread) <= 5, misread


@pytest.mark.parametrize(("step", "rule", "digit"), [(20, 120, 110), (20, 120, 120), (32, 190, 110)])
@pytest.mark.parametrize("text", ["926", "136"])
def test_dull_digits_on_a_dark_label_on_a_ruled_sheet_are_read(text, step, rule, digit):
    """The sheet lies in light from one side."""
    sheet = Image.new("L", (840, 1188), 255)
    draw = ImageDraw.Draw(sheet)
    for y in range(11, 1188, step):
        draw.line((0, y, 840, y), fill=rule)
    draw.rectangle((73, 700, 709, 1168), fill=70)
    draw.text((391, 934), text, digit, ImageFont.truetype(FONTS + "DejaVuSans-Bold.ttf", 254), anchor="mm")
    soft = np.asarray(sheet.filter(ImageFilter.GaussianBlur(0.7)), float)
    light = 0.9 * np.linspace(0.94, 1.06, len(soft))[:, None]
    grain = np.random.default_rng(0).normal(0, 3, soft.shape)
    assert text_of(Image.fromarray(np.clip(light * soft + grain, 0, 255).astype(np.uint8))) == text
