"""Benchmarks: each figure stands beside something run on the same machine in the same minute."""
