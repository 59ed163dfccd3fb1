"""The section of *See inside* about convolution: what the kernels of a network find in the picture.

    kernels.view()      # as HTML; kernels.js brings it to life when it comes into sight

It shows the network on *Draw*, or the visitor's own if it has kernels.
"""

from __future__ import annotations

from weights.serving.page.lab.code_links import link
from weights.serving.page.lab.lesson import word
from weights.serving.page.lab.loading import PROBLEM


def picture(name: str, title: str, label: str) -> str:
    canvas = f'<canvas role="img" aria-label="{label}"></canvas>'
    return f'<figure class="{name}">{canvas}<figcaption>{title}</figcaption></figure>'


def view() -> str:
    pointed = (
        '<figure class="whole"><div class="sheet pointed" role="slider" tabindex="0" '
        'aria-label="A window of the picture" aria-valuemin="0" aria-valuemax="99" aria-valuenow="0"><canvas></canvas>'
        '<span class="pooled"></span><span class="window"></span></div>'
        "<figcaption>Tap or point at a window, or use the arrow keys. Solid box: the window. Dashed box: four windows, "
        "of which one is kept.</figcaption></figure>"
    )
    answers = (
        '<figure class="answers"><div class="places"></div>'
        "<figcaption>Its outputs h, place by place: the whiter, the larger.</figcaption></figure>"
    )
    return (
        '<section class="kernels" tabindex="-1"><h2>Kernels: one pattern, looked for everywhere</h2>'
        f'<p class="lead"></p>{PROBLEM}<ul class="legend"><li class="ink">ink wanted</li>'
        '<li class="no-ink">no ink wanted</li><li>does not matter</li></ul><p class="whole-numbers"></p>'
        '<h3 class="which-are"></h3><div class="tiles found"></div>'
        '<div class="controls"><p class="push" role="status"></p>'
        '<button type="button" data-all hidden></button>'
        '<button type="button" data-whose hidden></button></div>'
        f'<div class="convolving">{pointed}<div class="middle">'
        '<h3><span class="chosen-kernel"></span> in this window</h3><div class="trio">'
        + picture("patch", "the window", "The pixels of the window")
        + picture("kernel", "the kernel", "The weights of the kernel")
        + picture("contribution", "pixel × weight", "What each pixel of the window contributes")
        + f'</div><p class="sumline added"></p><p>{link("windows")}</p>'
        "<h3>Only the largest of four sums is kept</h3><p>A hidden unit tries four neighbouring windows and keeps the "
        f'largest sum: {word("max-pooling")}. So a pattern may lie a little off.</p><div class="four"></div>'
        f'<p class="sumline pooled-sum"></p><p>{link("pool")}</p></div>{answers}</div></section>'
    )
