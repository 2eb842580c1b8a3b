#!/usr/bin/env bash
# Serve the workspace's MLflow store on loopback: `mlflow/serve.sh [port]`, then open the address it prints.
# No Python file may ever lie in this folder: `import mlflow` would find the folder before the package.
set -euo pipefail
umask 077
cd "$(dirname "$0")/.."
port="${1:-${VIDEO_STAR_MLFLOW_PORT:-5000}}"
export MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
python="$PWD/.venv/bin/python"
[ -x "$python" ] || python=python3
exec "${VIDEO_STAR_PYTHON:-$python}" -m mlflow server \
  --backend-store-uri "sqlite:///$PWD/mlflow/mlflow.db" \
  --artifacts-destination "$PWD/mlflow/artifacts" \
  --host 127.0.0.1 --port "$port" --workers 1
