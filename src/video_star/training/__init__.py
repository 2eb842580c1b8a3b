"""Finetuning: the step writes a job, the `deepspeed` launcher runs it, rank 0 writes the result."""
