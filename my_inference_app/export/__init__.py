"""Turns weights into bundles. Slow and heavy on purpose: it runs once, and nothing that serves imports it."""
