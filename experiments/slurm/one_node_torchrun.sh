#!/usr/bin/env bash
# Question: what is the open counterpart of the paper's training on one machine of 8 GPUs, without SLURM?
#
# Command:  experiments/slurm/one_node_torchrun.sh [KEY=VALUE ...]
#           GPUS=4 EXPERIMENT=experiments/pretrain/mine.yaml experiments/slurm/one_node_torchrun.sh data.source=...
# Cost:     computed, not measured: 7,167 steps of 2,048 photographs = 8 ranks x 4 passes x 64 take 1.88 hours at half of 790
#           TFLOP/s, evaluations not counted; each rank wants 271 photographs/s, 41 MB/s and 0.6 cores for them.
# Expected: as experiments/pretrain/osv5m_vit_l14_336.yaml says. The same command goes on where a run stopped; torchrun makes 1 of
#           the exit code 85 of a run that was asked to leave, and `runs/NAME/NNN/status.json` says which it was.

set -euo pipefail
gpus=${GPUS:-8}
experiment=${EXPERIMENT:-experiments/pretrain/osv5m_vit_l14_336.yaml}

# torchrun restarts nothing: a rank alone cannot go on, and --resume auto is for all.
exec "${TORCHRUN:-.venv/bin/torchrun}" --standalone --nproc-per-node="$gpus" --max-restarts=0 \
  -m streetclip pretrain "$experiment" --resume auto trainer.devices="$gpus" trainer.num_nodes=1 "$@"
