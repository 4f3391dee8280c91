"""Speed, measured side by side in one process: `python -m benchmarks` prints ratios, never bare times."""
