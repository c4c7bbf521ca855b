"""torchserve_export.py FILE: writes the model as TorchScript."""

import sys

import torch
from model import load_model

if __name__ == "__main__":
    torch.jit.script(load_model()).save(sys.argv[1])
