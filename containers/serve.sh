#!/bin/sh
# SageMaker starts an image with the argument `serve`.
exec python -m my_inference_app.run
