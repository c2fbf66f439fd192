#!/usr/bin/env bash
# Runs the same pub/sub load against redis-server and Millrace in turn and prints ratios:
#
#   bench/compare_pubsub.sh [--rounds N] [--seconds S] [--only TEXT] [--cores N] [--build DIRECTORY]
#
# Both servers run at once, each line goes A B A B ...; a row shows the median over the rounds of one figure, Millrace /
# redis-server. "CPU ns" is server CPU time per delivered message, or per PUBLISH if nobody listens; "p50" and "p99" are
# microseconds from before a message is sent until after it was received. Below 1 is better for both. "rate kept" is the
# rate of a publisher with ten subscribers that never read, divided by that without them: above 1 is better.
#
# --seconds S is the length of a fan-out run (default 3; the runs with deaf subscribers take 10), --only runs the lines
# whose name contains TEXT, --cores is passed to Millrace (default 2).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=5 seconds=3 only="" cores=2
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) rounds=$2 ;;
    --seconds) seconds=$2 ;;
    --only) only=$2 ;;
    --cores) cores=$2 ;;
    --build) build=$2 ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 1 ;;
  esac
  shift 2
done
source bench/lib.sh
need_built millrace-server bench/fan_out

payload=$(printf 'x%.0s' {1..64})
# name | how to measure | arguments
lines=(
  "100 subscribers, P=1|fan_out|--subscribers 100 --pipeline 1"
  "100 subscribers, P=16|fan_out|--subscribers 100 --pipeline 16"
  "1000 subscribers, P=16|fan_out|--subscribers 1000 --pipeline 16"
  "PUBLISH to nobody, P=1|to_nobody|100000 -P 1"
  "PUBLISH to nobody, P=16|to_nobody|1000000 -P 16"
  "PUBLISH to nobody, P=64|to_nobody|2000000 -P 64"
  "PUBLISH to a subscriber, idle|one_way|--one-way"
  "XADD to a blocked XREAD, idle|one_way|--one-way-xadd"
  "1000 subscribers, 10 of them deaf|deaf|--pipeline 16 --payload 4000 --seconds 10"
)

# Each way to measure prints "figure value" lines for one server.

run_fan_out() {  # side, arguments
  # shellcheck disable=SC2086
  "${pin[@]}" "$build/bench/fan_out" --port "${ports[$1]}" --pid "${pids[$1]}" $2
}
fan_out() {
  place_apart "$cores"
  run_fan_out "$1" "--seconds $seconds $2" | awk '$1 == "server_cpu_ns_per_message" { print "CPU ns|" $2 }'
}
to_nobody() {
  place_apart "$cores"
  measure_benchmark "$1" "${2%% *}" "${2#* } -c 50 publish nobody $payload" | awk '{ print "CPU ns|" $1 }'
}
one_way() {
  place_anywhere "$cores"
  run_fan_out "$1" "$2" | awk '$1 == "p50_us" { print "p50|" $2 } $1 == "p99_us" { print "p99|" $2 }'
}
# The limit is low, so that ten seconds are enough to reach it.
deaf() {
  place_apart "$cores"
  redis-cli -p "${ports[$1]}" config set client-output-buffer-limit "pubsub 2mb 0 0" >/dev/null
  local without with
  without=$(run_fan_out "$1" "$2 --subscribers 990") || return
  with=$(run_fan_out "$1" "$2 --subscribers 990 --deaf 10") || return
  awk '$1 == "publishes_per_second" { rate[++n] = $2 }
       $1 == "deaf_closed" { print "deaf closed|" $2 }
       $1 == "deaf_first_closed_s" { print "first closed after s|" $2 }
       $1 == "deaf_output_bytes_max" { print "their output at most MB|" $2 / 1048576 }
       END { print "rate kept|" rate[2] / rate[1] }' <<<"$without"$'\n'"$with"
}

start_servers "$cores"
print_versions
echo "Median of $rounds rounds, Millrace / redis-server; Millrace on $cores core(s)."
echo
echo "| | figure | ratio | redis-server | Millrace |"
echo "|---|---|---|---|---|"
for line in "${lines[@]}"; do
  IFS='|' read -r name how arguments <<<"$line"
  [[ -n $only && $name != *"$only"* ]] && continue
  for ((round = 0; round < rounds; ++round)); do
    for side in 0 1; do
      "$how" "$side" "$arguments" >"$work/figures" || { echo "$name: ${servers[side]} failed" >&2; exit 1; }
      sed "s/^/$side|/" "$work/figures"
    done
  done >"$work/rounds"
  print_ratios "$name" "$work/rounds"
done
