"""From YAML text to a tree, within bounds."""

import pytest

from registry.config.errors import ConfigError, Origin, Report
from registry.config.parse import parse
from registry.config.tree import Mapping, Node, Scalar, Sequence


def tree(text: str) -> Node:
    """The tree of a text, which must have no problems."""
    report = Report()
    root = parse(text, "c.yml", report)
    assert report.problems == []
    assert root is not None
    return root


def values(node: Node) -> object:
    """A tree without its origins."""
    match node:
        case Scalar(text=text):
            return text
        case Sequence(items=items):
            return [values(item) for item in items]
        case Mapping(entries=entries):
            return {key: values(entry.value) for key, entry in entries.items()}


def problems(text: str | bytes) -> list[str]:
    """Everything that is said against a text."""
    report = Report()
    try:
        parse(text, "c.yml", report)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return [str(problem) for problem in report.problems]


@pytest.mark.parametrize(
    "text",
    ["10:30", "2024-01-01", "no", "on", "0123", "1e3", "0x10", "1_0", ".inf", "="],
)
def test_scalars_stay_the_text_that_was_written(text: str) -> None:
    assert values(tree(f"a: {text}")) == {"a": text}


def test_keys_and_values_remember_where_they_stand() -> None:
    root = tree("a:\n  - b\n  - c: d\n")
    entry = root.entries["a"]
    assert entry.origin == Origin("c.yml", 1, 1)
    first, second = entry.value.items
    assert first.origin == Origin("c.yml", 2, 5)
    assert second.entries["c"].origin == Origin("c.yml", 3, 5)
    assert second.entries["c"].value.origin == Origin("c.yml", 3, 8)


def test_a_key_that_stands_twice_is_a_problem_that_names_both_places() -> None:
    assert problems("a:\n  b: 1\n  c: 2\n  b: 3\na: 5\n") == [
        "c.yml:4:3: a.b: stands here twice (first: c.yml:2:3); keep one of them",
        "c.yml:5:1: a: stands here twice (first: c.yml:1:1); keep one of them",
    ]


def test_merge_keys_bring_in_what_is_not_written_out() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 9}\n"
    assert values(tree(text))["c"] == {"x": "9", "y": "2", "z": "4"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "c.yml:2:1: is not valid YAML: did not find expected node content"),
        ("a: b: c", "c.yml:1:5: is not valid YAML: mapping values are not allowed"),
        ("@x", "c.yml:1:1: is not valid YAML: found character that cannot start"),
        (b"\xff\xfe\xfa", "c.yml: is not valid YAML: incomplete UTF-16 character"),
        (b"a: \xc3\x28", "c.yml: is not valid YAML: invalid trailing UTF-8 octet"),
        ("a: 1\n---\nb: 2", "c.yml:2:1: holds a second document; keep one"),
        ("[a]: 1", "c.yml:1:1: a key must be a single word"),
        ("a: !!python/object:os.system x", "c.yml:1:4: a: the tag !!python/object"),
        ("a: !!binary eA==", "c.yml:1:4: a: the tag !!binary has no use here"),
        ("a: *b", "c.yml:1:4: a: *b has no anchor before it"),
        ("a: &a [*a]", "c.yml:1:8: a.0: *a stands inside itself"),
        ("a: {<<: 1}", "a: << takes a mapping or a list of mappings"),
    ],
)
def test_what_is_not_a_usable_tree_is_refused_where_it_stands(
    text: str | bytes, message: str
) -> None:
    (problem,) = problems(text)
    assert message in problem


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "- " * 200_000, "? " * 200_000, "{a: " * 100_000]
)
def test_deep_nesting_is_refused_before_it_costs_anything(text: str) -> None:
    (problem,) = problems(text)
    assert "is nested more than 32 deep" in problem or "single word" in problem


def test_a_billion_laughs_are_refused_before_they_cost_anything() -> None:
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (problem,) = problems("\n".join(lines))
    assert "holds more than 50000 values" in problem


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    assert problems("# \n" * 600_000) == [
        "c.yml: is larger than 1048576 bytes; this is not a configuration"
    ]
