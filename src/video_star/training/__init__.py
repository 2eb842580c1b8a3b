"""Finetuning: the step describes a job, the `deepspeed` launcher runs the worker, rank 0 writes."""
