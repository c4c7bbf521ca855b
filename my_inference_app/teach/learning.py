"""From features to a head: arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

from ..bundles.head import Head
from .crossvalidation import CrossValidation, cross_validate
from .head import ClassIds, Matrix, fit, head_of, space_of


@dataclass(frozen=True)
class Learnt:
    head: Head
    validation: CrossValidation

    def logits(self, features: Matrix) -> Matrix:
        """Of pooled features, as the parent's `head.embed` gives them."""
        found: Matrix = features @ self.head.weight.T + self.head.bias
        return found

    def classify(self, features: Matrix) -> ClassIds:
        found: ClassIds = self.logits(features).argmax(1)
        return found


def learn(features: Matrix, class_ids: ClassIds, parent: Head, groups: ClassIds) -> Learnt:
    """`groups` has one number for all photos that are nearly the same."""
    validation = cross_validate(features, class_ids, parent, groups)
    space = space_of(features, parent)
    weight, bias = fit(space.view(features), class_ids, int(class_ids.max()) + 1, validation.strength)
    return Learnt(head_of(space, weight, bias, validation.sharpness, parent), validation)
