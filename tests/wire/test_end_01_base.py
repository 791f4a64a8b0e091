"""``/v2/``: is this a registry. Spec: distribution end-1."""

from __future__ import annotations

import pytest
from ends import Here


@pytest.mark.parametrize("path", ["/v2/", "/v2", "/v2/?service=x"])
def test_the_base_answers_an_empty_object(here: Here, path: str) -> None:
    """end-1."""
    answer = here.get(path).expect(200)
    assert answer.body == b"{}"
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Content-Length") == "2"


def test_head_of_the_base_has_no_body(here: Here) -> None:
    """end-1."""
    answer = here.request("HEAD", "/v2/").expect(200)
    assert (answer.body, answer.header("Content-Length")) == (b"", "2")


@pytest.mark.parametrize(
    "path",
    ["/v2/", "/v2/no/manifests/v1", "/v2/_catalog", "/v2/No/tags/list", "/v2/a/b/c/d"],
)
def test_every_answer_names_the_version_of_the_api(here: Here, path: str) -> None:
    """Docker's clients ask for it, also on refusals."""
    version = here.get(path).header("Docker-Distribution-Api-Version")
    assert version == "registry/2.0"
