"""An image-classification server: Flask and gunicorn behind nginx, fed from model bundles."""

__version__ = "0.1.0"
