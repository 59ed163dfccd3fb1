"""How large a network may be: a small file, or a recipe, must not claim all memory."""

# 64 MB of weights, far more than any network here has.
MAX_PARAMETERS = 2**24
# Units of a hidden layer, three times what the largest network here has. The units of a convolution share weights, so
# that a small file could ask for very many, and each needs memory for what it answers.
MAX_UNITS = 2**14
# Layers of a network: each is a few Python objects, and no network here has more than a handful.
MAX_LAYERS = 64
