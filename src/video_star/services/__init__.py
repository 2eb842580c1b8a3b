"""Prefect and MLflow on this machine."""
