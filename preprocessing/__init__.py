"""Any picture of a digit -> the 28x28 tensor that a network trained on MNIST knows.

tensor = preprocessing.to_mnist(image)          # (28, 28) float32, white ink on black
prepared = preprocessing.prepare(image)         # the same with what was found on the way
parts = segment.split(image, model.predict_proba)   # several digits: a list of Prepared, in reading order

picture      any mode, size, rotation, transparency -> upright, opaque, grey or RGB
decoding     what a picture's header tells: its size, its turn, and what decoding takes
transparency the paper that suits transparent parts
squares      the many thin lines of a whole sheet are divided out
surround     an even margin or frame around the paper is left out, or becomes paper
sheet        a sheet that lies on a table is found
beyond       and all around it becomes paper
relit        a shadow over a large part of the paper is taken off
channel      grey or colour -> one channel in which ink is dark
shadow       the level of paper that lies partly in the shadow of a hand or a phone
light        how much darker than the paper each pixel is, under uneven light
ink          by all of these, paper told from ink -> coverage in [0, 1]
lines        thin straight lines are found
sides        straight uprights between two lines, or on one
combs        teeth that divide a line evenly
boxes        rows of boxes, told by the sides between two lines, and combs
paper        which lines belong to the paper
removal      these lines are taken out, the strokes across them mended
labels       words beside boxes, and small print in their corners, left out
edge         bindings, tables, shadows and other writing at the edges left out
dotted       dotted and dashed lines left out
components   connected pieces of ink; stray dots left out
frames       frames and rings around digits left out
bars         lines below numbers and between them left out
windows      dark fields with light digits in them
frame        20x20 box, stroke width mended, center of mass at the centre of 28x28
prepare      all of these in their order
rows         which pieces of ink stand beside each other
closer       a second look from as close as small pieces need
writing      pieces of ink, and what the network says of groups of them
cuts         where a piece may be two digits that touch
groups       which pieces may be a digit together, and which may be several
words        small words beside digits left out
prices       what a reading is worth
paths        the best of all readings
signs        points, commas and dashes told from digits
segment      several digits told apart, by all of these

morphology   the largest, the smallest and the mean of a window around each pixel
tones        classes of tones, the border and the noise of a picture
"""

from preprocessing.decoding import InputError
from preprocessing.prepare import Diagnostics, Prepared, prepare, to_mnist

__all__ = ["Diagnostics", "InputError", "Prepared", "prepare", "to_mnist"]
