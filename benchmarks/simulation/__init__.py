"""A simulation of the service: its batches, the pods behind nginx, and the autoscaler."""
