"""What is asked of pixels and of tones everywhere: morphology, stroke widths, shapes, places at equal distances."""
