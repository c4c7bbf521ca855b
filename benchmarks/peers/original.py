"""The design of this project's predecessor: Flask behind gunicorn, the model read from disk in every request."""

import os
import sys
from pathlib import Path

import inputs
from flask import Flask, request
from model import classify, load_model, read_image

app = Flask(__name__)


@app.post("/predict")
def predict() -> dict[str, str]:
    image = read_image(request.files["image"].stream)
    [best] = classify(load_model(), image.unsqueeze(0))
    return {"label": inputs.labels()[best]}


if __name__ == "__main__":
    gunicorn = [sys.executable, "-m", "gunicorn", "--bind", f"{inputs.HOST}:{inputs.port()}"]
    # The control socket would remain in the home folder.
    os.execv(sys.executable, [*gunicorn, "--no-control-socket", "--chdir", str(Path(__file__).parent), "original:app"])  # noqa: S606
