"""The parts of docs/sync.py, which keeps the chapters in step with the code."""
