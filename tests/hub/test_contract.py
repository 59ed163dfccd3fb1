"""The contract with huggingface_hub: all that we rely on beyond its documentation. Broken by an upgrade, it fails here.

weights/hub/client.py      `get_session` gives one shared httpx2 client, whose `timeout` can be set
                           downloads report to `tqdm_class`: `n` at the start, then `update(n)`, by HTTP and by Xet
                           in the cache a snapshot's file links to a blob named by its checksum, and refs/ holds the
                           commits of branches and tags
weights/hub/problems.py    answers are HfHubHTTPError with `response` and `server_message`, network failures are
                           httpx2.HTTPError; those of an upload are the `__cause__` of the error that is raised;
                           a download that ends early is an OSError without errno
weights/hub/account.py     whoami's answer, as hub_server.py gives it: name, orgs, auth.accessToken
tests/hub                  the constants that the fixture `hub` and some tests set
"""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from hub_helpers import ANN, REPO, version
from hub_server import changed, drop, status
from huggingface_hub import CommitOperationAdd, HfApi, close_session, constants, get_session, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils._xet_progress_reporting import XetDownloadProgressReporter

from weights.hub import client
from weights.hub.client import Damaged, Deadline
from weights.hub.problems import HubError

MODEL = "model.safetensors"


def test_one_http_client_is_shared_and_takes_a_timeout():
    close_session()
    assert isinstance(get_session(), httpx2.Client)
    assert get_session().timeout != client.REQUEST_TIMEOUT
    client.set_timeouts()
    assert get_session().timeout == client.REQUEST_TIMEOUT


def test_the_constants_that_tests_set_exist():
    for name in (
        "HF_HUB_CACHE",
        "HF_TOKEN_PATH",
        "HF_HUB_DISABLE_XET",
        "DOWNLOAD_CHUNK_SIZE",
        "HF_HUB_DOWNLOAD_TIMEOUT",
        "HF_HUB_OFFLINE",
    ):
        assert hasattr(constants, name)


def download(hub, **options):
    return hf_hub_download(REPO, MODEL, endpoint=hub.url, token=False, **options)


def test_a_download_by_http_reports_its_bytes_to_the_meter(published):
    meters = []

    def watched(*arguments, **options):
        meters.append(client.download_meter(Deadline(), 2**20)(*arguments, **options))
        return meters[-1]

    download(published, tqdm_class=watched)
    assert [meter.received for meter in meters] == [len(version(1)[MODEL])]


def test_a_download_by_xet_reports_its_bytes_to_the_meter():
    """The real Hub's own way, which a test server cannot speak: its reporter is fed here."""
    deadline = Deadline()
    reporter = XetDownloadProgressReporter(
        reconstruction_desc="", total=100, log_level=0, tqdm_class=client.download_meter(deadline, 100)
    )

    def report(received):
        rates = {"total_bytes_completion_rate": None, "total_transfer_bytes_completion_rate": None}
        done = {"total_bytes_completed": received, "total_transfer_bytes_completed": received, "total_bytes": 100}
        reporter.update_progress(SimpleNamespace(**done, **rates))

    report(60)
    report(100)
    with pytest.raises(Damaged):
        report(160)
    deadline.cancel()
    with pytest.raises(HubError, match="in time"):
        report(170)
    reporter.close()


def test_the_cache_names_blobs_by_checksum_and_finds_a_noted_commit(published, tmp_path):
    commit = published.repos[REPO].branches["main"].oid
    path = Path(download(published, revision=commit))
    assert client.recorded_checksum(path) == hashlib.sha256(version(1)[MODEL]).hexdigest()
    assert path.parent.name == commit
    client.note_commit(path.parent, "v1", commit)
    assert Path(hf_hub_download(REPO, MODEL, revision="v1", local_files_only=True)) == path


def test_a_refusal_is_an_error_with_its_response_and_its_message(hub):
    hub.fault("GET", "/api/models/", status(403, "storage limit reached"))
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi(endpoint=hub.url).model_info(REPO, token=False)
    assert isinstance(caught.value, httpx2.HTTPError)
    assert caught.value.response.status_code == 403
    assert "storage limit" in caught.value.server_message


def test_a_broken_connection_is_an_error_of_the_http_client(hub):
    hub.fault("GET", "/api/models/", drop)
    with pytest.raises(httpx2.HTTPError):
        HfApi(endpoint=hub.url).model_info(REPO, token=False)


def test_the_error_of_an_upload_has_the_refusal_as_its_cause(published, tmp_path):
    published.fault("PUT", "/lfs/", status(403, "storage limit reached"))
    (tmp_path / MODEL).write_bytes(b"other bytes")
    operations = [CommitOperationAdd(MODEL, tmp_path / MODEL)]
    with pytest.raises(RuntimeError) as caught:
        HfApi(endpoint=published.url, token=ANN).create_commit(REPO, operations, commit_message="A commit")
    assert isinstance(caught.value.__cause__, HfHubHTTPError)


def test_a_download_of_too_few_bytes_is_an_os_error_without_a_number(published):
    published.fault("GET", "/lfs/", changed(lambda body: body[:-1]))
    with pytest.raises(OSError, match="Consistency check") as caught:
        download(published)
    assert caught.value.errno is None
