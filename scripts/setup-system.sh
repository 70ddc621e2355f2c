#!/usr/bin/env bash
# Installs the Debian packages that are missing, and does nothing, quickly, when all are there.
#
#   scripts/setup-system.sh build   what `make demo` needs: a C++ compiler and Python's headers (hnswlib has no wheels)
#   scripts/setup-system.sh         the same and what the tests need: Java 17, Maven, Redis, Chromium, Chinese fonts
#
# Without root, or without apt-get, it only says what to install, and exits 1.
set -euo pipefail

python=${PYTHON:-python3}
missing=()

have() { command -v "$1" >/dev/null 2>&1; }

java_17() {
    have java || return 1
    local major
    major=$(java -version 2>&1 | sed -n '1s/[^"]*"\([0-9]*\).*/\1/p')
    [ "${major:-0}" -ge 17 ]
}

python_headers() {
    "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'
}

chinese_fonts() {
    have fc-list && [ -n "$(fc-list :lang=zh family)" ]
}

have c++ || have g++ || missing+=(g++)
python_headers || missing+=(python3-dev)
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)

if [ "${1:-all}" != build ]; then
    java_17 || missing+=(openjdk-17-jre-headless)
    have mvn || missing+=(maven)
    have redis-server || missing+=(redis-server)
    have chromium || missing+=(chromium)
    chinese_fonts || missing+=(fontconfig fonts-noto-cjk)
fi

[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! have apt-get; then
    echo "Please install (Debian's names): ${missing[*]}" >&2
    exit 1
fi

echo "Installing: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# RUNLEVEL=1: a server that is installed is not started as a service; the tests start their own.
# --no-upgrade: this script adds what is missing and leaves the versions of what is there alone.
RUNLEVEL=1 apt-get install --yes -qq --no-install-recommends --no-upgrade "${missing[@]}" >&2
