#!/usr/bin/env bash
# Question: what is the open counterpart of the paper's training on four machines of 8 GPUs, without SLURM?
#
# Command:  MASTER_ADDR=HOST NODE_RANK=0 experiments/slurm/four_nodes_torchrun.sh [KEY=VALUE ...]   on HOST, the first machine
#           MASTER_ADDR=HOST NODE_RANK=1 experiments/slurm/four_nodes_torchrun.sh [KEY=VALUE ...]   on the second, and so on to 3
# Cost:     computed, not measured: 7,167 steps of 2,048 photographs = 32 ranks x 1 pass x 64 take 0.38 hours at half of 790
#           TFLOP/s, evaluations not counted; each rank wants 339 photographs/s, 52 MB/s and 0.7 cores for them. The gradients,
#           1.7 GB a step, go over the network: how much of that hides behind the arithmetic is not measured.
# Expected: as experiments/pretrain/osv5m_vit_l14_336.yaml says; the batches are those of one machine, in the same order. All
#           machines see the same folders `runs/` and `osv5m-wds/`. NODES and GPUS say other numbers than 4 and 8.

set -euo pipefail
: "${MASTER_ADDR:?name or address of the first machine}"
: "${NODE_RANK:?0 on the first machine, 1 on the second, ...}"
nodes=${NODES:-4}
gpus=${GPUS:-8}
experiment=${EXPERIMENT:-experiments/pretrain/osv5m_vit_l14_336.yaml}

# torchrun restarts nothing: a rank alone cannot go on, and --resume auto is for all.
exec "${TORCHRUN:-.venv/bin/torchrun}" --nnodes="$nodes" --nproc-per-node="$gpus" --max-restarts=0 \
  --node-rank="$NODE_RANK" --master-addr="$MASTER_ADDR" --master-port="${MASTER_PORT:-29500}" \
  -m streetclip pretrain "$experiment" --resume auto trainer.devices="$gpus" trainer.num_nodes="$nodes" "$@"
