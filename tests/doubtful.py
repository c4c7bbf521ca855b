"""Answers that a calibrated model doubts, and how the page words them, with JavaScript and without."""

from __future__ import annotations

from my_inference_app.inference.answers import Doubts

UNFAMILIAR = "The photos that the model was calibrated with look different: do not rely on this answer."
# The score of the best label, what the model says, the hedge and the note.
WORDED = [
    (0.9, Doubts(["a cat"], 0.5), "", ""),
    (0.6, Doubts(["a cat", "a dog, hound"], 0.5), "Perhaps", "It could also be a dog."),
    (0.2, Doubts(["a cat", "a dog", "a fox"], 0.5), "Not sure. Perhaps", "It could also be a dog or a fox."),
    (0.3, Doubts(list("abcd"), 0.5), "Perhaps", "It could also be b, c or d."),
    (0.3, Doubts(list("abcdefg"), 0.5), "Perhaps", "It could also be b, c, d or one of 3 more."),
    (0.9, Doubts(["a cat"], 0.01), "An unfamiliar image. Perhaps", UNFAMILIAR),
    (0.3, Doubts(["a cat", "a dog"], 0.01), "An unfamiliar image. Perhaps", UNFAMILIAR),
]
