#!/bin/bash
#SBATCH --job-name=video-star
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --exclusive
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --output=slurm-%j.log

# A cycle on the nodes of an allocation. Start it in the workspace, which all nodes see at one path:
#   video-star preset deploy/slurm.yaml
#   sbatch deploy/slurm.sh
# When the time is up, or a node fails, the same command goes on where it was.

set -euo pipefail
cd "$SLURM_SUBMIT_DIR"
export PATH="$PWD/.venv/bin:$PATH"

# What DeepSpeed's launcher reads to finetune on all nodes (settings.hostfile); it needs ssh between them.
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
mkdir -p .work
printf "%s slots=$SLURM_GPUS_ON_NODE\n" "${nodes[@]}" > .work/hostfile

# Ray on every node, for nobody without the token, and the cycle on the first one.
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300 # seconds
exec srun ray symmetric-run --address "${nodes[0]}:6379" --min-nodes "${#nodes[@]}" -- dvc repro
