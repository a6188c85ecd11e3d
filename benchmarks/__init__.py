"""Speed side by side with other toolkits. Run from a checkout: `python -m benchmarks.attacks --help`."""
