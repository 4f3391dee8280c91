"""Speed and memory, measured side by side: `make bench` prints ratios to Headwater, never bare times."""
