#!/usr/bin/env bash
# Runs rnnkit-cpu's tests as aarch64 programs under an emulator, then compares what they compute with what this machine does, to the bit.
#
# Needs an x86-64 machine with fused multiply-add, Rust with the standard library of aarch64-unknown-linux-gnu too,
# aarch64-linux-gnu-gcc and qemu-aarch64. Debian 14 has them: cargo, libstd-rust-dev:arm64, gcc-aarch64-linux-gnu, qemu-user.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64
# Where the emulator finds the other processor's libraries: those that the compiler links.
QEMU_LD_PREFIX=$(dirname "$(dirname "$(aarch64-linux-gnu-gcc -print-file-name=libc.so.6)")")
export QEMU_LD_PREFIX

cargo test --release --locked --target "$target" -p rnnkit-cpu --lib --tests
bits=(cargo run --release --locked --quiet -p rnnkit-cpu --example bits)
here=$("${bits[@]}")
there=$("${bits[@]}" --target "$target")
diff <(echo "$here") <(echo "$there")
echo "the same bits on both: $(wc -l <<< "$here") digests"
