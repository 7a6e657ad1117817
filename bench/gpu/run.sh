#!/bin/sh
# Prints adapters and drivers, the table of the work list on the GPU beside PyTorch's where python3 has it with CUDA, and checks the
# reference cases. Needs Node, a Vulkan driver and about 8 minutes. ./run.sh --quick tries everything in a minute, with figures that say nothing.
cd "$(dirname "$0")" && exec node bench/gpu.mjs "$@"
