#!/usr/bin/env bash
# Runs the same redis-benchmark lines against redis-server and Millrace in turn and prints ratios:
#
#   bench/compare.sh [--rounds N] [--requests F] [--only TEXT] [--cores N] [--build DIRECTORY]
#
# Both servers run at once, each line goes A B A B ...; a row shows the median over the rounds of Millrace / redis-server:
# server CPU time per command (/proc/PID/task/*/schedstat; below 1 is better) and throughput (above 1 is better).
# --requests F multiplies the number of requests of every line, --only runs the lines whose name contains TEXT,
# --cores is passed to Millrace (default 1: as many I/O threads as redis-server has).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=5 factor=1 only="" cores=1
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) rounds=$2 ;;
    --requests) factor=$2 ;;
    --only) only=$2 ;;
    --cores) cores=$2 ;;
    --build) build=$2 ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 1 ;;
  esac
  shift 2
done

source bench/lib.sh
need_built millrace-server

payload=$(printf 'x%.0s' {1..100})
# name | requests | preparation (redis-cli commands, one per ;) | redis-benchmark arguments
lines=(
  "PING, 50 connections|200000||-c 50 -t ping_mbulk"
  "PING, 50 connections, P=16|1000000||-c 50 -P 16 -t ping_mbulk"
  "PING, RESP3, 50 connections, P=16|1000000||-3 -c 50 -P 16 -t ping_mbulk"
  "SET 100 B, 50 connections, P=16|1000000|DEL n|-c 50 -P 16 -r 100000 set n:__rand_int__ $payload"
  "GET 100 B, 50 connections, P=16|1000000|SET n $payload|-c 50 -P 16 get n"
  "INCR, 50 connections, P=16|1000000|DEL n|-c 50 -P 16 incr n"
  "XADD 100 B, 1 connection|50000|DEL s|-c 1 xadd s * f $payload"
  "XADD 100 B, 1 connection, P=16|400000|DEL s|-c 1 -P 16 xadd s * f $payload"
  "XADD 100 B, 1 connection, P=100|800000|DEL s|-c 1 -P 100 xadd s * f $payload"
  "XADD 100 B, 50 connections|200000|DEL s|-c 50 xadd s * f $payload"
  "XADD 100 B, 50 connections, P=16|800000|DEL s|-c 50 -P 16 xadd s * f $payload"
  "XADD 100 B, 50 connections, P=64|1000000|DEL s|-c 50 -P 64 xadd s * f $payload"
  "XADD MAXLEN ~ 10000, 50 connections, P=16|800000|DEL s|-c 50 -P 16 xadd s maxlen ~ 10000 * f $payload"
  "XREADGROUP COUNT 10, 50 connections|40000|FILL 450000;XGROUP CREATE s g 0|-c 50 xreadgroup group g c count 10 streams s >"
  "XREADGROUP COUNT 10, 50 connections, P=16|40000|FILL 450000;XGROUP CREATE s g 0|-c 50 -P 16 xreadgroup group g c count 10 streams s >"
  "XRANGE COUNT 100, 50 connections|30000|FILL 100000|-c 50 xrange s - + count 100"
  "XLEN, 50 connections, P=16|1000000|FILL 100|-c 50 -P 16 xlen s"
)

prepare() {  # port, preparation
  local port=$1 step steps
  IFS=';' read -ra steps <<<"$2"
  for step in "${steps[@]}"; do
    if [[ $step == FILL* ]]; then
      redis-cli -p "$port" DEL s >/dev/null
      redis-benchmark -p "$port" -n "${step#FILL }" -c 10 -P 64 -q xadd s '*' f "${payload:0:64}" >/dev/null
    else
      # shellcheck disable=SC2086
      redis-cli -p "$port" $step >/dev/null
    fi
  done
}

start_servers "$cores"
place_apart "$cores"
print_versions
echo "Median of $rounds rounds, Millrace / redis-server; Millrace on $cores core(s)."
echo
echo "| | redis-benchmark ... | CPU per command | throughput | CPU ns, redis-server | CPU ns, Millrace |"
echo "|---|---|---|---|---|---|"
for line in "${lines[@]}"; do
  IFS='|' read -r name requests preparation arguments <<<"$line"
  [[ -n $only && $name != *"$only"* ]] && continue
  requests=$(awk -v n="$requests" -v f="$factor" 'BEGIN { n = int(n * f); print n < 100 ? 100 : n }')
  for ((round = 0; round < rounds; ++round)); do
    pair=()
    for side in 0 1; do
      prepare "${ports[side]}" "$preparation"
      pair+=("$(measure_benchmark "$side" "$requests" "$arguments")")
    done
    echo "${pair[*]}"
  done | awk -v name="$name | \`${arguments//"$payload"/<100 B>}\`" "$awk_functions"'
    { cpu[NR] = $3 / $1; rate[NR] = $2 > 0 ? $4 / $2 : 0; theirs[NR] = $1; ours[NR] = $3 }
    END { printf "| %s | %.2f | %.2f | %.0f | %.0f |\n", name, median(cpu, NR), median(rate, NR), median(theirs, NR), median(ours, NR) }'
done
