"""What a round came to: MLflow runs, the table of rounds, its picture."""
