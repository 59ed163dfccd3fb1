"""MNIST from the Hub."""

import io

import numpy as np
import pyarrow.parquet
from PIL import Image

from nn.pictures import mnist


def parquet_of(images, labels):
    """The bytes of a file like those of ylecun/mnist."""
    encoded = []
    for image in images:
        png = io.BytesIO()
        Image.fromarray(image).save(png, "PNG")
        encoded.append({"bytes": png.getvalue(), "path": None})
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"image": encoded, "label": labels}), file)
    return file.getvalue()


def test_mnist_comes_from_the_hub_and_later_from_its_cache(hub):
    images, labels = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8), [3, 1, 4, 1, 5]
    hub.add_repo(mnist.HUB_DATASET)
    hub.add_commit(mnist.HUB_DATASET, "MNIST", {mnist.HUB_FILES["test"]: parquet_of(images, labels)})
    for _ in range(2):
        split = mnist.read_hub("test", endpoint=hub.url)
        np.testing.assert_array_equal(split.images, images)
        assert split.labels.tolist() == labels
    assert [method for method, _ in hub.requests].count("GET") == 1
