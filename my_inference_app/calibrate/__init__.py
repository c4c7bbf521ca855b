"""Teaches a bundle to doubt its own answers, from photos with known labels."""
