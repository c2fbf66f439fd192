#!/usr/bin/env bash
# Every rule of check.sh must find its offence in a sample made of offences, and nothing in a clean one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sample=$(mktemp -d)
trap 'rm -rf "$sample"' EXIT

if "$here/check.sh" "$sample" >/dev/null; then
  echo "nothing was blamed where there is nothing to check"
  exit 1
fi

mkdir -p "$sample"/{streams,tests,tests/support,src/commands}
printf '// A clean file. It says time() and sleep() in a comment only.\nint runtime(int);\nint x = runtime(1);\n' >"$sample/streams/clean.cc"
printf '// A helper that polls.\nvoid poll() { std::this_thread::sleep_for(kInterval); }\n' >"$sample/tests/support/polling.cc"
printf '// The table.\n{.name = "xadd",\ncontainer_row("xinfo",\n' >"$sample/src/commands/tables_streams.cc"
printf '> XADD s * f v\n> XINFO STREAM s\n' >"$sample/README.md"
if ! output=$("$here/check.sh" "$sample"); then
  printf 'a clean sample was blamed:\n%s\n' "$output"
  exit 1
fi

# expect_blame <rule> <file> <text>: with this file added, exactly this rule finds this file.
expect_blame() {
  local rule=$1 file=$2 text=$3 before output
  before=$(cat "$sample/$file" 2>/dev/null || true)
  printf '%b' "$text" >"$sample/$file"
  if output=$("$here/check.sh" "$sample"); then
    printf 'nothing was found where the rule "%s" is broken\n' "$rule"
    exit 1
  fi
  if [[ $output != "$rule"*:*$file* || $(grep -c ':$' <<<"$output") != 1 ]]; then
    printf 'the rule "%s" was to be found broken, but the answer was\n%s\n' "$rule" "$output"
    exit 1
  fi
  if [[ -n $before ]]; then printf '%s\n' "$before" >"$sample/$file"; else rm "$sample/$file"; fi
}

expect_blame 'more than 600 lines' streams/long.cc "// Long.\n$(printf 'int x;\\n%.0s' {1..600})"
expect_blame 'no comment at the top' streams/silent.h '#pragma once\n'
expect_blame 'thread_local' streams/threads.cc '// One per thread.\nthread_local int x;\n'
expect_blame 'a note of work left' tests/later_test.cc '// TO''DO: the rest.\n'
expect_blame 'a sleeping test' tests/sleepy_test.cc '// Sleeps.\nvoid f() { std::this_thread::sleep_for(1s); }\n'
expect_blame 'a sleeping test' tests/sleepy_test.cc '// Sleeps.\nvoid f() { usleep(1); }\n'
expect_blame 'a sleeping test' tests/sleepy_test.cc '// Sleeps.\nvoid f() { sleep(1); }\n'
expect_blame 'a header of the system' streams/system.cc '// Calls.\n#include <unistd.h>\n'
expect_blame 'a header of the system' src/commands/system.cc '// Calls.\n#include <sys/time.h>\n'
expect_blame 'a clock or a source' streams/clock.cc '// Reads the clock.\nlong now = time(nullptr);\n'
expect_blame 'a clock or a source' streams/clock.cc '// Reads the clock.\nauto now = std::chrono::steady_clock::now();\n'
expect_blame 'a clock or a source' streams/dice.cc '// Draws.\nint x = std::rand();\n'
expect_blame 'a command of the README' README.md '> XNOTHING s\n'
echo "every rule found its offence"
