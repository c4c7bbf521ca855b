"""Turns weights into bundles. It runs once, is slow and needs heavy libraries; nothing that serves imports it."""

import os

# The libraries read these when they are imported. They hide warnings meant for developers; every failure here has an
# error message of its own. TRANSFORMERS_VERBOSITY=info and HF_HUB_VERBOSITY=info bring the warnings back.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_VERBOSITY", "error")
