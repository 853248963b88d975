"""Tests start hundreds of processes, which share compiled modules: compiling them takes as long as a short test."""

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
