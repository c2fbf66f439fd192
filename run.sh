#!/usr/bin/env bash
# Builds Millrace and starts it in the foreground:  ./run.sh [millrace-server arguments]
#
# Without a configuration file among the arguments the server reads redis.conf beside this script. On the first start
# missing Debian packages are installed; afterwards a start takes seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/packages.sh

ensure_packages "${BUILD_PACKAGES[@]}"
build_preset release millrace-server -DMILLRACE_TESTS=OFF

if [[ $# -gt 0 && $1 != -* ]]; then
  exec build/release/millrace-server "$@"
fi
exec build/release/millrace-server redis.conf "$@"
