"""Benchmarks: each figure beside its reference, both measured in turn in the same run."""
