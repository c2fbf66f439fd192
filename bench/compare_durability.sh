#!/usr/bin/env bash
# What durability costs, redis-server and Millrace in turn: the journal, snapshots, loading.
#
#   bench/compare_durability.sh [--rounds N] [--only TEXT] [--megabytes N] [--cores N] [--build DIRECTORY] [--dir DIRECTORY]
#                               [--memory DIRECTORY]
#
# Rows with "/s" and "MB/s" are throughput, above 1 is better; "us" and "%" are below 1 is better. Every row shows the
# median over the rounds of Millrace / redis-server, and both medians. Files go to a fresh directory below --dir (default:
# TMPDIR or /tmp), which must be on the disk that is meant. --megabytes is the size of the data that is saved and loaded
# (default 1000), --cores is passed to Millrace (default 2). --memory is on a file system in memory (default /dev/shm), with
# room for three times --megabytes.
#
#   always, everysec   redis-benchmark XADD of 100 bytes with appendonly yes
#   slow sync          PING of one client (p99) while another one writes with `always` and every fdatasync takes 200 ms
#                      longer (bench/slow_sync.c, preloaded; Millrace on its epoll backend, which syncs by that call)
#   snapshot           XADD at a fixed rate: p99.9 during BGSAVE / p99.9 without, longest pause, memory kept for it
#   save, load         SAVE and restart, MB of payload per second; and the same without a disk, in --memory
#   replay             restart with a journal of commands instead
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=3 only="" megabytes=1000 cores=2 dir=${TMPDIR:-/tmp} memory=/dev/shm
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) rounds=$2 ;;
    --only) only=$2 ;;
    --megabytes) megabytes=$2 ;;
    --cores) cores=$2 ;;
    --build) build=$2 ;;
    --dir) dir=$2 ;;
    --memory) memory=$2 ;;
    *) sed -n '2,21s/^# \{0,1\}//p' "$0"; exit 1 ;;
  esac
  shift 2
done
source bench/lib.sh
need_built millrace-server bench/steady
files=$(mktemp -d "$dir/millrace-durability.XXXXXX")
directories=("$files")
trap 'stop_all; rm -rf "$work" "${directories[@]}"' EXIT

stop_all() { kill -9 "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; pids=(); }

# Starts one, or both, with further arguments, each in a directory of its own that stays until fresh().
start_one() {  # side, arguments
  local side=$1 program=(redis-server) own=()
  shift
  [[ $side == 0 ]] || program=("$build/millrace-server") own=(--cores "$cores" "${millrace_only[@]}")
  ports[side]=$(free_port)
  mkdir -p "$files/$side"
  "${program[@]}" --port "${ports[side]}" --dir "$files/$side" --save '' "${own[@]}" "$@" >"$work/$side.log" 2>&1 &
  pids[side]=$!
}
start_and_wait() {
  local side
  for side in 0 1; do
    start_one "$side" "$@"
    wait_ready "${ports[side]}" || { echo "A server did not start: $(cat "$work/$side.log")" >&2; exit 1; }
  done
}
millrace_only=()
fresh() { stop_all; rm -rf "${files:?}"/*; }

info() { redis-cli -p "${ports[$1]}" info "$2" | tr -d '\r' | awk -F: -v k="$3" '$1 == k { print $2 }'; }
elapsed() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", b - a }'; }

payload=$(printf 'x%.0s' {1..100})
large=$(printf 'x%.0s' {1..400})
entries=$((megabytes * 1000000 / 400))

fill() {  # side
  redis-benchmark -p "${ports[$1]}" -n "$entries" -r 1000 -c 20 -P 100 -q xadd s__rand_int__ '*' f "$large" >/dev/null
}

# Each way to measure starts from fresh() and prints "side|figure|value" lines.

journaled() {  # policy, requests, redis-benchmark options
  local policy=$1 requests=$2 side
  shift 2
  start_and_wait --appendonly yes --appendfsync "$policy"
  for side in 0 1; do
    measure_benchmark "$side" "$requests" "$* xadd s * f $payload" |
      awk -v s="$side" '{ print s "|CPU us|" $1 / 1000 "\n" s "|/s|" $2 }'
  done
}

slow_sync() {
  cc -O2 -shared -fPIC -o "$work/slow_sync.so" bench/slow_sync.c
  millrace_only=(--io-backend epoll)
  LD_PRELOAD=$work/slow_sync.so start_and_wait --appendonly yes --appendfsync always
  millrace_only=()
  local side writer
  for side in 0 1; do
    redis-benchmark -p "${ports[$side]}" -c 1 -n 1000000 -q xadd s '*' f "$payload" >/dev/null 2>&1 &
    writer=$!
    "$build/bench/steady" --port "${ports[$side]}" --connections 1 --rate 500 --seconds 4 -- PING |
      awk -v s="$side" '$1 == "p99_us" { print s "|reader p99 us|" $2 }'
    kill "$writer"; wait "$writer" 2>/dev/null || true
  done
}

snapshot() {
  start_and_wait --appendonly no
  local side seconds=6 base during
  for side in 0 1; do
    fill "$side"
    base=$(steady_figures "$side" $seconds)
    redis-cli -p "${ports[$side]}" bgsave >/dev/null
    during=$(steady_figures "$side" $seconds)
    while [[ $(info "$side" persistence rdb_bgsave_in_progress) == 1 ]]; do sleep 0.1; done
    awk -v s="$side" -v b="$base" -v d="$during" -v cow="$(info "$side" persistence rdb_last_cow_size)" \
      -v mb="$megabytes" -v secs="$(info "$side" persistence rdb_last_bgsave_time_sec)" 'BEGIN {
        split(b, base); split(d, during)
        print s "|p99.9 / p99.9 without|" during[1] / base[1]
        print s "|longest pause us|" during[2]
        print s "|memory %|" 100 * cow / (mb * 1e6) }'
  done
}
steady_figures() {  # side, seconds
  "$build/bench/steady" --port "${ports[$1]}" --connections 20 --rate 10000 --seconds "$2" -- \
    XADD 's{1000}' MAXLEN '~' "$((entries / 1000))" '*' f "$large" |
    awk '$1 == "p99.9_us" { p = $2 } $1 == "pause_us" { m = $2 } END { print p, m }'
}

# Time from the start of the process until it answers, of both, one after the other.
restart_times() {  # figure, arguments
  local figure=$1 side started
  shift
  for side in 0 1; do
    started=$EPOCHREALTIME
    start_one "$side" "$@"
    until [[ $(redis-cli -p "${ports[side]}" ping 2>/dev/null) == PONG ]]; do sleep 0.005; done
    awk -v s="$side" -v f="$figure" -v t="$(elapsed "$started" "$EPOCHREALTIME")" -v mb="$megabytes" \
      'BEGIN { print s "|" f "|" mb / t }'
    stop_all
  done
}

save_and_load() {
  start_and_wait --appendonly no --rdbcompression no
  local side started
  for side in 0 1; do
    fill "$side"
    started=$EPOCHREALTIME
    redis-cli -p "${ports[$side]}" save >/dev/null
    awk -v s="$side" -v t="$(elapsed "$started" "$EPOCHREALTIME")" -v mb="$megabytes" \
      'BEGIN { print s "|save MB/s|" mb / t }'
  done
  stop_all
  restart_times "load MB/s" --appendonly no
}
in_memory() {  # how
  local files
  files=$(mktemp -d "$memory/millrace-durability.XXXXXX")
  directories+=("$files")
  "$@"
  stop_all
  rm -rf "$files"
}

replay() {
  start_and_wait --appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0
  fill 0
  fill 1
  redis-cli -p "${ports[0]}" shutdown >/dev/null || true
  redis-cli -p "${ports[1]}" shutdown >/dev/null || true
  wait
  restart_times "replay MB/s" --appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0
}

lines=(
  "always, 1 connection|journaled always 5000 -c 1"
  "always, 50 connections|journaled always 100000 -c 50"
  "always, 50 connections, P=16|journaled always 600000 -c 50 -P 16"
  "everysec, 50 connections|journaled everysec 150000 -c 50"
  "everysec, 50 connections, P=16|journaled everysec 800000 -c 50 -P 16"
  "slow sync|slow_sync"
  "snapshot|snapshot"
  "save and load|save_and_load"
  "save and load, in memory|in_memory save_and_load"
  "replay|replay"
)

print_versions
echo "Median of $rounds rounds, Millrace / redis-server; Millrace on $cores core(s); files on $(df --output=fstype "$files" | tail -1)."
echo
echo "| | figure | ratio | redis-server | Millrace |"
echo "|---|---|---|---|---|"
for line in "${lines[@]}"; do
  IFS='|' read -r name how <<<"$line"
  [[ -n $only && $name != *"$only"* ]] && continue
  for ((round = 0; round < rounds; ++round)); do
    fresh
    $how
  done >"$work/rounds"
  print_ratios "$name" "$work/rounds"
done
