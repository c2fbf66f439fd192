#!/usr/bin/env bash
# Builds the fuzzers of what reads bytes from outside before anybody has logged in, or from the administrator's hand,
# and runs each for a while, all at once:  tests/fuzz/run.sh <checkout>
#
#   MILLRACE_TEST_FULL=1      five minutes instead of twenty seconds
#   MILLRACE_FUZZ_SECONDS=n   that long
#
# Only the rooms they need are built, with clang, into build/fuzz. What they find interesting stays in build/fuzz/corpus
# and is where the next run begins. Without clang: status 77, which CTest takes for skipped.
set -euo pipefail
cd "$1"
fuzzers=(resp_request_fuzzer settings_config_fuzzer settings_acl_fuzzer)
seconds=${MILLRACE_FUZZ_SECONDS:-${MILLRACE_TEST_FULL:+300}}
seconds=${seconds:-20}

if ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
  clang++-19 -fsanitize=fuzzer,address -x c++ - -o /dev/null 2>/dev/null; then
  echo "No clang-19 with libFuzzer (packages clang-19, libclang-rt-19-dev): nothing is fuzzed."
  exit 77
fi

launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake --preset fuzz "${launcher[@]}" >/dev/null
if ! cmake --build build/fuzz --target "${fuzzers[@]}" >build/fuzz/build.log; then
  tail -50 build/fuzz/build.log
  exit 1
fi

run() {
  local name=$1 corpus=build/fuzz/corpus/$1
  mkdir -p "$corpus"
  build/fuzz/tests/fuzz/"$name" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="build/fuzz/$name-" "$corpus" "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1
}

pids=()
for name in "${fuzzers[@]}"; do
  run "$name" &
  pids+=($!)
done
status=0
for i in "${!fuzzers[@]}"; do
  name=${fuzzers[$i]}
  if wait "${pids[$i]}"; then
    echo "$name: $(grep -o 'stat::number_of_executed_units: .*' "build/fuzz/$name.log")"
  else
    tail -50 "build/fuzz/$name.log"
    status=1
  fi
done
exit $status
