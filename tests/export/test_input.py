"""The flags that say how images are prepared, and what they are completed with."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace

import pytest

from my_inference_app.bundles.bundle import InputSpec
from my_inference_app.errors import SourceError
from my_inference_app.export.input_flags import add_flags, options_of
from my_inference_app.export.input_options import CLASSIC, InputOptions, described


def parsed(*arguments: str) -> InputOptions:
    parser = ArgumentParser()
    add_flags(parser)
    return options_of(parser.parse_args(arguments))


def test_flags_become_a_specification() -> None:
    flags = ("--size=300x200", "--resize=320", "--interpolation=bicubic", "--mean=0.5", "--std=58.395/255,1/255,0.2")
    spec = parsed(*flags).spec("mine")
    assert spec == InputSpec((300, 200), 320, "bicubic", (127.5,) * 3, (58.395, 1.0, 51.0))
    assert described(spec).startswith("300x200 cut from images resized to 320, bicubic, mean 0.5,0.5,0.5, std ")


def test_stretched_images_have_no_shorter_side() -> None:
    spec = parsed("--size=32", "--resize=stretch", "--mean=0", "--std=1").spec("mine")
    assert (spec.size, spec.shortest_edge, spec.interpolation) == ((32, 32), None, "bilinear")
    assert described(spec).startswith("32x32 stretched, ")


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--size=0", "is not a number of pixels from 1 to 10000"),
        ("--size=20000", "is not a number of pixels"),
        ("--size=-1", "is not a number of pixels"),
        ("--size=224x", "is not a number of pixels"),
        ("--size=1x2x3", "is not a number of pixels"),
        ("--resize=squash", "is not a number of pixels"),
        ("--interpolation=cubic", "invalid choice"),
        ("--mean=123.675,116.28,103.53", "is not between 0 and 1; of pixel values up to 255 write 123.675/255"),
        ("--mean=0.5,0.5", "is not one number or three"),
        ("--mean=nan", "is not between"),
        ("--mean=a", "is not one number or three"),
        ("--std=0", "is not between"),
        ("--std=1/0", "is not one number or three"),
        ("--layout=CHW", "invalid choice"),
    ],
)
def test_bad_value_is_explained(flag: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(flag)
    assert message in capsys.readouterr().err


def test_flags_are_completed_with_what_comes_with_the_weights() -> None:
    assert InputOptions().or_else(CLASSIC) == CLASSIC
    assert InputOptions(resize=232).or_else(CLASSIC) == replace(CLASSIC, resize=232)
    assert InputOptions(size=(224, 224)).or_else(CLASSIC) == CLASSIC


def test_resize_does_not_stay_with_another_size() -> None:
    with pytest.raises(SourceError, match=r"^nothing tells how images are prepared for mine: give --resize \("):
        InputOptions(size=(300, 300)).or_else(CLASSIC).spec("mine")


def test_crop_larger_than_the_resized_image_is_refused() -> None:
    with pytest.raises(SourceError, match=r"^cannot crop 300x300 from images resized to 256$"):
        InputOptions(size=(300, 300), resize=256).or_else(CLASSIC).spec("mine")


def test_digest_tells_options_apart() -> None:
    assert len({options.digest for options in (InputOptions(), CLASSIC, replace(CLASSIC, layout="NCHW"))}) == 3
