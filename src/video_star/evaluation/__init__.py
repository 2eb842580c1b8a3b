"""How good a model is: benchmarks, metrics, significance, leakage."""
