"""What runs on a Ray cluster, and what talks to one. It needs the packages of requirements/ray.txt."""
