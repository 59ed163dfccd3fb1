"""Uploads on the disk: never too many or too large, never kept for too long, and nothing of ours among them."""

import asyncio
import contextlib
import os
import socket
import subprocess
import time
from urllib.parse import urlsplit

import httpx
import pytest
from conftest import EXAMPLES, awaited, running

from weights.serving.limits.sizes import MAX_UPLOAD_BYTES, Refused
from weights.serving.limits.uploads import (
    GRACE_SECONDS,
    KEPT_SECONDS,
    MAX_FOLDER_BYTES,
    MAX_FORM_FILES,
    OURS,
    UploadFolder,
    own_folder,
)

SEVEN = EXAMPLES / "7.png"


def upload(folder, name, size=1, age=0):
    """What gradio makes of an upload: a file in a folder of its own."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "file").write_bytes(bytes(size))
    os.utime(place, (time.time() - age,) * 2)


def contents(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def later(monkeypatch):
    """later(seconds): moves the clock on."""
    now = time.time

    def move(seconds):
        monkeypatch.setattr(time, "time", lambda: now() + seconds)

    return move


# --- The folder -------------------------------------------------------------------------------------------------------


def test_it_never_outgrows_its_size(tmp_path):
    folder = UploadFolder(tmp_path, max_bytes=1000, least=1, grace=0)

    async def fill():
        for index in range(100):
            async with folder.room_for(100):
                upload(tmp_path, str(index), 100)
            assert sum(file.stat().st_size for file in tmp_path.rglob("file")) <= 1000

    awaited(fill())
    assert (tmp_path / "99" / "file").exists()
    assert not (tmp_path / "0" / "file").exists()


def test_an_upload_that_ends_during_a_sweep_is_counted(tmp_path, monkeypatch):
    folder = UploadFolder(tmp_path, max_bytes=1000, least=1, grace=0)
    looked, contents_of = asyncio.Event(), folder.contents

    async def both():
        loop = asyncio.get_running_loop()

        def slow():
            found = contents_of()
            loop.call_soon_threadsafe(looked.set)
            time.sleep(0.1)
            return found

        monkeypatch.setattr(folder, "contents", slow)
        async with folder.room_for(400):
            sweep = asyncio.create_task(folder.tidy())
            await looked.wait()
            upload(tmp_path, "late", 400)
        await sweep

    awaited(both())
    assert folder.bytes >= 400


def test_it_never_holds_more_files_than_it_may(tmp_path):
    folder = UploadFolder(tmp_path, max_bytes=1000, least=10, grace=0)

    async def fill():
        for request in range(20):
            async with folder.room_for(MAX_FORM_FILES):
                for index in range(MAX_FORM_FILES):
                    (tmp_path / f"{request}-{index}").write_bytes(b"x")
            assert len(list(tmp_path.iterdir())) <= 100

    awaited(fill())
    assert (tmp_path / "19-0").exists()


def test_young_uploads_are_not_deleted_for_new_ones(tmp_path):
    async def fill():
        folder = UploadFolder(tmp_path, max_bytes=1000, least=1, grace=1000)
        async with folder.room_for(900):
            upload(tmp_path, "young", 900)
        with pytest.raises(Refused, match="1,000 bytes"):
            async with folder.room_for(900):
                pass

    awaited(fill())
    assert (tmp_path / "young" / "file").exists()


def test_old_files_go_and_then_their_folders(tmp_path, later):
    upload(tmp_path, "old")
    (tmp_path / "broken off").write_bytes(b"half")
    folder = UploadFolder(tmp_path)
    later(KEPT_SECONDS - 1)
    awaited(folder.tidy())
    assert len(contents(tmp_path)) == 3
    later(KEPT_SECONDS + 1)
    awaited(folder.tidy())
    assert contents(tmp_path) == ["old"]
    later(2 * KEPT_SECONDS)
    awaited(folder.tidy())
    assert contents(tmp_path) == []


def test_files_go_while_others_come(tmp_path):
    folder = UploadFolder(tmp_path, kept=0.05, grace=0.02)

    async def send(number):
        for index in range(50):
            async with folder.room_for(1):
                upload(tmp_path, f"{number}-{index}")
            await asyncio.sleep(0)

    async def act():
        sending = [asyncio.create_task(send(number)) for number in range(8)]
        while not all(task.done() for task in sending):
            await folder.tidy()
        for task in sending:
            task.result()
        for _ in range(3):
            await asyncio.sleep(0.06)
            await folder.tidy()

    awaited(act())
    assert contents(tmp_path) == []
    assert folder.bytes == 0


def test_upload_that_is_broken_off_goes_once_no_other_is_under_way(tmp_path):
    folder = UploadFolder(tmp_path)

    async def act():
        async with folder.room_for(1):
            with contextlib.suppress(ConnectionError):
                async with folder.room_for(1):
                    half.write(b"x")
                    raise ConnectionError
            assert (tmp_path / "half").exists()  # it might belong to the other
        assert not (tmp_path / "half").exists()

    upload(tmp_path, "whole")
    with open(tmp_path / "half", "wb", buffering=0) as half:  # an error may keep it open for some seconds
        awaited(act())
        assert os.fstat(half.fileno()).st_size == 0
    assert (tmp_path / "whole" / "file").exists()


def test_uploads_that_a_killed_process_left_are_tidied_and_nothing_else(tmp_path, later):
    for name in (f"{OURS}mine", f"{OURS}killed", "somebody else's"):
        upload(tmp_path / name, "old", age=2 * KEPT_SECONDS)
    (tmp_path / f"{OURS}link").symlink_to(tmp_path / "somebody else's")
    later(2 * KEPT_SECONDS)
    folder = UploadFolder(tmp_path / f"{OURS}mine")
    for age in (2, 4, 6):
        later(age * KEPT_SECONDS)
        awaited(folder.tidy())
    assert contents(tmp_path) == [
        f"{OURS}link",
        f"{OURS}mine",
        "somebody else's",
        "somebody else's/old",
        "somebody else's/old/file",
    ]


def test_the_empty_folder_of_another_process_stays_as_long_as_that_one_lives(tmp_path, later):
    ours, other = (UploadFolder(tmp_path / f"{OURS}{name}") for name in ("ours", "other"))
    for each in (ours, other):
        each.folder.mkdir()
    later(GRACE_SECONDS + 1)
    awaited(ours.tidy())
    assert other.folder.exists()
    os.utime(other.folder, (0, 0))
    awaited(other.tidy())
    awaited(ours.tidy())
    assert other.folder.exists()
    later(KEPT_SECONDS + 1)
    awaited(ours.tidy())
    assert not other.folder.exists()


def test_folder_that_cannot_be_made_is_told_in_words(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file" / "uploads"))
    with pytest.raises(SystemExit, match="GRADIO_TEMP_DIR"):
        own_folder()


# --- A server of its own ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """(address, upload folder, log) of a server that these tests may fill."""
    folder = tmp_path_factory.mktemp("own")
    with running(folder / "log", GRADIO_TEMP_DIR=str(folder / "uploads")) as (url, _):
        yield url, folder / "uploads", folder / "log"
    assert contents(folder / "uploads") == []  # at the end it takes them all away


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_upload_that_breaks_off_leaves_nothing(own):
    url, uploads, log = own
    before = files_in(uploads)
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=30) as s:
        body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + bytes(200_000)
        head = b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        s.sendall(head + b"Content-Length: 1000000\r\n\r\n" + body)
        wait_for(lambda: len(files_in(uploads)) > len(before))
    wait_for(lambda: files_in(uploads) == before)
    assert "Traceback" not in log.read_text()


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_form_of_many_files_is_not_taken(own):
    url, uploads, _ = own
    for count, status in ((MAX_FORM_FILES, 200), (MAX_FORM_FILES + 1, 413)):
        before = files_in(uploads)
        files = [("files", (f"{index}.png", os.urandom(100))) for index in range(count)]
        answer = httpx.post(f"{url}/gradio_api/upload", files=files, timeout=60)
        assert answer.status_code == status
    assert f"at most {MAX_FORM_FILES} files" in answer.json()["detail"]
    wait_for(lambda: files_in(uploads) == before)


def test_uploads_without_end_stay_within_their_size_and_take_no_example_away(own):
    url, uploads, _ = own
    answer = httpx.post(f"{url}/gradio_api/upload", files={"files": (SEVEN.name, SEVEN.read_bytes())}, timeout=60)
    assert answer.json() != [str(SEVEN)]
    for index in range(MAX_FOLDER_BYTES // MAX_UPLOAD_BYTES + 1):
        content = index.to_bytes(4, "big") + bytes(MAX_UPLOAD_BYTES - 4)
        answer = httpx.post(f"{url}/gradio_api/upload", files={"files": ("a.png", content)}, timeout=60)
        assert answer.status_code in (200, 429), answer.text
    assert sum(file.stat().st_size for file in files_in(uploads)) <= MAX_FOLDER_BYTES
    for path in files_in(uploads):
        path.unlink()
    for example in EXAMPLES.glob("*.[pj][np]g"):
        shown = httpx.get(f"{url}/gradio_api/file={example}", timeout=60)
        assert shown.content == example.read_bytes()
        assert shown.headers["content-type"].startswith("image/")


@pytest.fixture
def small_disk(tmp_path):
    """A folder with room for half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", folder], capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_full_disk_is_told_in_words(small_disk, tmp_path):
    with running(tmp_path / "log", GRADIO_TEMP_DIR=str(small_disk), TMPDIR=str(small_disk)) as (url, _):
        large = {"files": ("a.png", os.urandom(3_000_000))}
        for path in ("/predict/image", "/read", "/gradio_api/upload"):
            answer = httpx.post(url + path, files=large, timeout=60)
            assert (answer.status_code, "disk" in answer.text) == (507, True), answer.text
        small = {"files": ("7.png", SEVEN.read_bytes())}  # what did not fit is deleted, and soon collected
        wait_for(lambda: httpx.post(f"{url}/gradio_api/upload", files=small, timeout=60).status_code == 200)
    log = (tmp_path / "log").read_text()  # Python itself may say that a file could not be closed, as the disk was full
    assert log.count("Traceback") == log.count("Exception ignored in: <function _TemporaryFileCloser")
