#!/bin/sh
# Removes what serving never uses from a virtual environment. Usage: trim.sh FOLDER
# tests/containers start the service on the result, decode every image format and compare the scores.
set -eu
rm -f "$1"/bin/pip* "$1"/bin/*ctivate* "$1"/bin/f2py "$1"/bin/numpy-config "$1"/bin/ovc
cd "$1"/lib/python3*/site-packages

# The installers.
rm -rf pip pip-* setuptools setuptools-* pkg_resources _distutils_hack distutils-precedence.pth

# OpenVINO: every plugin but the CPU's, the readers of other formats than its own, the C interface, headers and tools.
(
    cd openvino/libs
    rm -f libopenvino_intel_gpu_plugin* cache.json libopenvino_intel_npu* libopenvino_auto_plugin* \
        libopenvino_auto_batch_plugin* libopenvino_hetero_plugin* libopenvino_c.* libopenvino_onnx_* \
        libopenvino_tensorflow_* libopenvino_pytorch_* libopenvino_paddle_* libopenvino_tflite_* \
        libopenvino_jax_* libopenvino_gguf_*
)
rm -rf openvino/include openvino/cmake openvino/tools openvino_telemetry* openvino/libs/pkgconfig
find openvino/frontend -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +

# NumPy: tests, random numbers, polynomials, the Fortran compiler's driver, and the build system.
rm -rf numpy/random numpy/polynomial numpy/f2py numpy/distutils numpy/_core/lib numpy/_core/include
find numpy openvino PIL -type d -name tests -prune -exec rm -rf {} +

# Pillow: AVIF, fonts and Tk, which the service does not use.
rm -f PIL/_avif.* PIL/_imagingft.* PIL/_imagingtk.*
rm -f pillow.libs/libavif-* pillow.libs/libfreetype-* pillow.libs/libharfbuzz-*

find . -name '*.pyi' -delete
