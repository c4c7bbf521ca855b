"""The labels a model may have."""

from __future__ import annotations

import pytest

from my_inference_app.bundles.manifest import check_labels


@pytest.mark.parametrize("labels", [["cat"], ["cat", "dog"], ("日本", "a, b"), ["crane", "crane"]])
def test_labels_that_name_classes_are_accepted(labels: object) -> None:
    check_labels(labels)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([], "the labels are not a list of names"),
        (None, "the labels are not a list of names"),
        ("cat", "the labels are not a list of names"),
        ({"0": "cat"}, "the labels are not a list of names"),
        (["cat", None], "the label of class 1 is not a text: None"),
        (["cat", 5], "the label of class 1 is not a text: 5"),
        ([{"name": "cat"}], "the label of class 0 is not a text: {'name': 'cat'}"),
        (["cat", ""], "the label of class 1 is empty"),
        (["cat", " \t"], "the label of class 1 is empty"),
    ],
)
def test_labels_that_are_not_names_are_refused(labels: object, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        check_labels(labels)


def test_doubled_label_is_refused_if_labels_must_be_distinct() -> None:
    check_labels(["cat", "dog"], distinct=True)
    with pytest.raises(ValueError, match=r"^classes 1 and 2 have the same label: 'dog'$"):
        check_labels(["cat", "dog", "dog"], distinct=True)
