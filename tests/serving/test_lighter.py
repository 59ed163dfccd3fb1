"""Gradio with less work for each call: the same addresses, files and components as before."""

import sys

from conftest import ROOT, output_of


def test_sessions_keep_no_copy_of_the_components():
    code = (
        "import app; from weights.serving import lighter; lighter.lighten(); "
        "from gradio import state_holder, route_utils; "
        "holder = state_holder.StateHolder(); blocks = app.build(); holder.set_blocks(blocks); "
        "print(len(holder['me'].config_values), len(holder['me'].blocks_config.blocks) == len(blocks.blocks), "
        "route_utils.SessionState is lighter.Session)"
    )
    assert output_of([sys.executable, "-c", code], cwd=ROOT).split() == ["0", "True", "True"]


def test_gradio_finds_its_address_as_the_caller_sees_it():
    code = """
from itertools import product
from gradio import route_utils
from starlette.requests import Request
from weights.serving import lighter

RUN = "/gradio_api/run/predict"
PLACES = [("a.example", RUN, b""), ("b.example:7860", RUN, b"x=1"), ("a.example", "/prefix" + RUN, b"")]
HOST, PROTO = (b"x-forwarded-host", b"c.example, d.example"), (b"x-forwarded-proto", b"https")
TOLD = [[], [HOST], [PROTO], [HOST, PROTO], [(b"x-gradio-server", b"http://e.example/x")]]
ROOTS = ["", None, "/prefix", "https://f.example/"]

def request(place, told):
    host, path, query = place
    scope = {"type": "http", "method": "POST", "scheme": "http", "path": path, "query_string": query}
    return Request(scope | {"headers": [(b"host", host.encode()), *told]})

calls = [(request(place, told), RUN, root) for place, told, root in product(PLACES, TOLD, ROOTS)]
before = [route_utils.get_root_url(*call) for call in calls]
lighter.lighten()
for call, address in zip(calls, before, strict=True):
    assert [route_utils.get_root_url(*call) for _ in range(2)] == [address] * 2
print(len(set(before)) > 10, lighter.known_root_url.cache_info().hits >= len(calls))
"""
    assert output_of([sys.executable, "-c", code], cwd=ROOT).split() == ["True", "True"]


def test_gradio_finds_files_in_a_call_without_a_look_at_each_pixel():
    code = """
import asyncio
from collections import OrderedDict
from gradio import processing_utils
from gradio_client import utils
from weights.serving import lighter

looked_at = []

def is_file(value):
    looked_at.append(value)
    return utils.is_file_obj_with_meta(value)

async def upper(file):
    return file["path"].upper()

file = {"path": "a", "meta": {"_type": "gradio.FileData"}}
pictures = [[(3, file)], [OrderedDict(file)], "text", 7]
call = [[0] * 784, file, {"layers": [file, None], "sizes": [[1, 2], (3, file)]}, pictures]
before = asyncio.run(utils.async_traverse(call, upper, is_file)), len(looked_at)
looked_at.clear()
lighter.lighten()
assert asyncio.run(processing_utils.client_utils.async_traverse(call, upper, is_file)) == before[0]
print(before[1], len(looked_at))
"""
    before, after = map(int, output_of([sys.executable, "-c", code], cwd=ROOT).split())
    assert after < 20 < 784 < before
