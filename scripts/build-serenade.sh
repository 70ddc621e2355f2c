#!/usr/bin/env bash
# Builds Serenade 0.3.1 (Apache-2.0, crates.io), the peer of `make bench-serenade`, into the given folder, with Debian's
# RocksDB; does nothing when it is there. Takes some four minutes on two cores.
#
#   scripts/build-serenade.sh FOLDER        FOLDER/bin/serving is the result
#
# Without root, or without apt-get or cargo, it only says what to install, and exits 1.
set -euo pipefail

folder=$1
[ -x "$folder/bin/serving" ] && exit 0

command -v cargo >/dev/null || { echo "Please install Rust's cargo" >&2; exit 1; }
packages=(clang libclang-dev librocksdb-dev libsnappy-dev)
if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "Please install (Debian's names): ${packages[*]}" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install --yes -qq --no-install-recommends --no-upgrade "${packages[@]}" >&2
fi

libraries=$(dirname "$(find /usr/lib -name librocksdb.so -print -quit)")
LIBCLANG_PATH=$(dirname "$(find /usr/lib/llvm-* -name 'libclang.so*' -print -quit)")
export LIBCLANG_PATH
# --locked: the versions that it was released with; with today's one of its dependencies does not compile.
ROCKSDB_LIB_DIR=$libraries SNAPPY_LIB_DIR=$libraries cargo install serenade --version 0.3.1 --locked --quiet \
    --root "$folder" --target-dir "$folder/target" >&2
rm -rf "$folder/target"
