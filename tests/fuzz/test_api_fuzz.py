"""The whole API under random requests: never a 500, never a traceback.

``FUZZ=long`` tries many more.
"""

from __future__ import annotations

import json
import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX, OCI_MANIFEST
from registry.testing.answers import Answer
from registry.testing.harness import Harness, calm

IS_LONG = os.environ.get("FUZZ") == "long"
EXAMPLES = settings(
    max_examples=5_000 if IS_LONG else 200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

CONTENTS = (b"", b"content", b"{}")
ALGORITHMS = ("sha256", "sha512")
DIGESTS = [str(Digest.of(content, a)) for content in CONTENTS for a in ALGORITHMS]
HOSTILE = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"),
    max_size=30,
)
NAMES = st.sampled_from(["a", "a/b", "a/blobs/uploads", "a/manifests", "_catalog"])
TAGS = st.sampled_from(["t", "latest", "T-1", "a" * 128])
SESSIONS = st.integers(1, 4).map(lambda n: f"00000000-0000-4000-8000-{n:012x}")
REFERENCES = st.one_of(TAGS, st.sampled_from(DIGESTS), SESSIONS, HOSTILE)
SEGMENTS = st.one_of(
    st.sampled_from(
        ["manifests", "blobs", "uploads", "tags", "list", "referrers", "", "..", "%2f"]
    ),
    NAMES,
    REFERENCES,
)


@st.composite
def paths(draw: st.DrawFn) -> str:
    """A path of the API, or something like one."""
    name = draw(st.one_of(NAMES, HOSTILE))
    reference = draw(REFERENCES)
    return draw(
        st.sampled_from(
            [
                "/v2/",
                "/v2/_catalog",
                f"/v2/{name}/tags/list",
                f"/v2/{name}/manifests/{reference}",
                f"/v2/{name}/blobs/{reference}",
                f"/v2/{name}/blobs/uploads/",
                f"/v2/{name}/blobs/uploads/{draw(SESSIONS)}",
                f"/v2/{name}/referrers/{reference}",
                f"/v2/{name}/",
                "/v2/" + "/".join(draw(st.lists(SEGMENTS, max_size=6))),
            ]
        )
    )


VALUES = st.one_of(
    st.sampled_from(DIGESTS),
    NAMES,
    TAGS,
    HOSTILE,
    st.sampled_from(["", "0", "-1", "1", "99999999999999999999", "%0d%0aA:b", "%ff"]),
)
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "digest",
                "mount",
                "from",
                "tag",
                "n",
                "last",
                "_state",
                "artifactType",
                "digest-algorithm",
                "ns",
            ]
        ),
        VALUES,
    ),
    max_size=3,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))

TEXT = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
    st.sampled_from(
        [
            "*",
            "*/*",
            "bytes=0-",
            "bytes=1-0",
            "bytes=-0",
            "bytes=0-0,-1,2-",
            "bytes=" + "0-0," * 50,
            "bytes=99999999999999999999-",
            "0-6",
            "7-13",
            "bytes 0-6/7",
            "6-0",
            "-",
            f'"{DIGESTS[0]}"',
            f'W/"{DIGESTS[0]}"',
            OCI_MANIFEST,
            OCI_INDEX,
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.docker.distribution.manifest.v1+json",
            "text/plain; charset=x",
            "Basic !!!",
            "Bearer x",
            'for="_x";host="a b";proto=gopher',
        ]
    ),
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "Accept",
                "Authorization",
                "Content-Range",
                "Content-Type",
                "Forwarded",
                "If-Match",
                "If-None-Match",
                "If-Range",
                "Range",
                "X-Forwarded-Host",
                "X-Forwarded-Proto",
                "X-Forwarded-For",
            ]
        ),
        TEXT,
    ),
    max_size=3,
)

DESCRIPTORS = st.fixed_dictionaries(
    {
        "mediaType": st.sampled_from([OCI_MANIFEST, OCI_INDEX, "a/b", "", None, 1]),
        "digest": st.one_of(st.sampled_from([*DIGESTS, "", "x:y", None]), HOSTILE),
        "size": st.sampled_from([0, 2, 7, -1, 1 << 80, "7", None, 0.5]),
    },
    optional={
        "urls": st.sampled_from([[], ["http://a"], ["\u20ac"], [1], "x"]),
        "platform": st.sampled_from([{}, {"os": "linux"}, {"os": 1}, []]),
        "annotations": st.sampled_from([{}, {"a": "\udc80"}, {"a": 1}, None]),
        "data": st.sampled_from(["", "e30=", "\u20ac", 1]),
        "artifactType": st.sampled_from(["a/b", "\r\n", "", 1]),
    },
)
ANY_DESCRIPTOR = st.one_of(DESCRIPTORS, st.sampled_from([None, [], {}, "x", 1]))
MANIFESTS = st.fixed_dictionaries(
    {"schemaVersion": st.sampled_from([2, 1, "2", None, 2.0, True])},
    optional={
        "mediaType": st.sampled_from([OCI_MANIFEST, OCI_INDEX, "x", None]),
        "config": ANY_DESCRIPTOR,
        "layers": st.one_of(st.lists(ANY_DESCRIPTOR, max_size=2), st.just("x")),
        "manifests": st.one_of(st.lists(ANY_DESCRIPTOR, max_size=2), st.just({})),
        "subject": ANY_DESCRIPTOR,
        "artifactType": st.sampled_from(["a/b", "\r\nX: y", "\u20ac", None, 1]),
        "annotations": st.sampled_from([{}, {"a": "b"}, {"a": 1}, []]),
    },
).map(lambda document: json.dumps(document).encode())
BODIES = st.one_of(
    st.sampled_from(CONTENTS),
    MANIFESTS,
    st.sampled_from([b"[" * 5000, b'{"a":' * 2000, b"\xff\xfe", b"null", b"1e999"]),
    st.binary(max_size=50),
)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, str, list[tuple[str, str]], bytes]:
    """Method, target, headers and body."""
    method = draw(
        st.sampled_from(["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"])
    )
    query = draw(QUERIES)
    target = draw(paths()) + (f"?{query}" if query else "")
    return method, target, draw(HEADERS), draw(BODIES)


def check(answer: Answer, method: str) -> None:
    assert answer.status < 500, answer
    assert answer.header("x") is None
    assert answer.header("a") is None
    if answer.status >= 400 and method != "HEAD" and not answer.body.startswith(b"\n<"):
        for error in answer.json["errors"]:
            assert error["code"].isupper()
            assert error["message"]


@EXAMPLES
@given(st.lists(calls(), min_size=1, max_size=8))
def test_any_calls_of_the_api(
    made: list[tuple[str, str, list[tuple[str, str]], bytes]],
) -> None:
    with calm():
        harness = Harness()
        for content in CONTENTS[1:]:
            digest = Digest.of(content)
            harness.request(
                "POST", f"/v2/a/blobs/uploads/?digest={digest}", body=content
            )
        for method, target, headers, body in made:
            answer = harness.request(method, target, headers=headers, body=body)
            check(answer, method)
