#!/usr/bin/env bash
# Builds everything with sanitizers and runs the tests:  ./test.sh [--full] [ctest arguments]
#
#   ./test.sh                   what every change must pass (minutes)
#   ./test.sh -R unit           a part of it
#   ./test.sh --full            more seeds and longer runs, and the ThreadSanitizer and release builds as well
#
# Missing Debian packages are installed first; the clients of other languages that tests/compat runs, and clang for
# tests/fuzz, only where a registry can be reached. The exit status is that of the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/packages.sh

presets=(dev)
if [[ ${1:-} == --full ]]; then
  shift
  presets=(dev tsan release)
  export MILLRACE_TEST_FULL=1
fi

ensure_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
ensure_compat_clients
try_packages "${FUZZ_PACKAGES[@]}"
# One more at a time than there are processors: those that drive servers wait for a third of their time.
for preset in "${presets[@]}"; do
  build_preset "$preset" all
  ctest --preset "$preset" --parallel "$(($(nproc) + 1))" "$@"
done
