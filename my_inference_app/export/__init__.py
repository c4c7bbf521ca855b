"""Turns weights into bundles. Slow and heavy on purpose: it runs once, and nothing that serves imports it."""

import os

# Set before the libraries are imported, which read them then. What they warn of is for their developers; what can go
# wrong here is told in errors of our own. TRANSFORMERS_VERBOSITY=info and HF_HUB_VERBOSITY=info bring it back.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_VERBOSITY", "error")
