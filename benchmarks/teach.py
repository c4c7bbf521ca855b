"""python -m benchmarks.teach BUNDLE KINDS: how well few photos teach, measured on the photos that are left.

KINDS has a folder of photos for each class. Each of ten draws takes so many photos of each class at random, or all but
one where there are fewer. Accuracy is the mean over the classes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import NearestCentroid

from my_inference_app.settings import Settings
from my_inference_app.teach import nearly, parent
from my_inference_app.teach.features import Computer
from my_inference_app.teach.head import ClassIds, Matrix
from my_inference_app.teach.learning import learn
from my_inference_app.teach.photos import find

COUNTS = (2, 3, 5, 8)
DRAWS = 10

Predict = Callable[[Matrix], ClassIds]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teach", description=__doc__)
    for name in ("bundle", "kinds"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    settings = replace(Settings(), bundle=str(given.bundle), models_dir=given.bundle.parent)
    base = parent.load(settings, "taught-by-the-benchmark", None)
    photos = find(given.kinds, settings.max_upload_bytes)
    seen, _ = Computer(base, settings).compute(photos.usable)
    known = [seen[photo.sha256] for photo in photos.usable]
    features = np.stack([one.features for one in known]).astype(np.float64)
    class_ids = np.array(photos.class_ids)
    groups = nearly.groups(class_ids, nearly.pairs(known))
    print(
        f"{'photos a class':<15}{'class means':>13}{'ridge':>8}{'logistic':>10}{'taught':>8}{'std':>7}{'estimate':>10}"
    )
    for count in COUNTS:
        rows = []
        for train, rest in draws(class_ids, count):
            learnt = learn(features[train], class_ids[train], base.head, groups[train])
            heads = {**others(features[train], class_ids[train]), "taught": learnt.classify}
            found = [accuracy(predict(features[rest]), class_ids[rest]) for predict in heads.values()]
            right = (learnt.validation.logits.argmax(-1) == class_ids[train]).mean(0)
            rows.append([*found, mean_of_classes(right, class_ids[train])])
        means, deviations = np.mean(rows, axis=0), np.std(rows, axis=0)
        print(
            f"{count:<15}{means[0]:>13.3f}{means[1]:>8.3f}{means[2]:>10.3f}{means[3]:>8.3f}{deviations[3]:>7.3f}"
            f"{means[4]:>10.3f}",
            flush=True,
        )


def draws(class_ids: ClassIds, count: int) -> Iterator[tuple[ClassIds, ClassIds]]:
    """The numbers of the photos to teach with, and those of the rest."""
    for seed in range(DRAWS):
        random = np.random.default_rng(seed)
        train = np.zeros(len(class_ids), bool)
        for class_id in range(class_ids.max() + 1):
            members = np.flatnonzero(class_ids == class_id)
            train[random.permutation(members)[: min(count, len(members) - 1)]] = True
        yield np.flatnonzero(train), np.flatnonzero(~train)


def others(features: Matrix, class_ids: ClassIds) -> dict[str, Predict]:
    """The usual heads, on features of the length 1 on average."""
    scale = np.sqrt(((features - features.mean(0)) ** 2).sum(1).mean())
    heads = {
        "class means": NearestCentroid(),
        "ridge": RidgeClassifier(alpha=0.3, class_weight="balanced"),
        "logistic": LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000),
    }
    for head in heads.values():
        head.fit(features / scale, class_ids)
    return {name: lambda rows, head=head: head.predict(rows / scale) for name, head in heads.items()}


def accuracy(found: ClassIds, class_ids: ClassIds) -> float:
    return mean_of_classes((found == class_ids).astype(float), class_ids)


def mean_of_classes(right: Matrix, class_ids: ClassIds) -> float:
    return float(np.mean([right[class_ids == class_id].mean() for class_id in np.unique(class_ids)]))


if __name__ == "__main__":
    main()
