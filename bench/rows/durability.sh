# shellcheck shell=bash
# What durability costs: the journal, snapshots, loading. Each measurement has a server and a directory of its own.

megabytes=$(scaled_seconds 600)
large=$(bytes 400)
entries=$((megabytes * 1000000 / 400))
files=$(mktemp -d "$dir/millrace-rows.XXXXXX")
scratch+=("$files")

start_with_files() { start "$1" --dir "$files" "${@:2}"; }
fresh() { rm -rf "${files:?}"/*; }
fill_many() {  # side
  redis-benchmark -p "${port[$1]}" -n "$entries" -r 1000 -c 20 -P 100 -q xadd s__rand_int__ '*' f "$large" >/dev/null
}
megabytes_since() { awk -v a="$1" -v b="$EPOCHREALTIME" -v mb="$megabytes" 'BEGIN { print mb / (b - a) }'; }

journaled() {  # side, policy, requests, redis-benchmark arguments
  fresh
  start_with_files "$1" --appendonly yes --appendfsync "$2"
  benchmark "$1" "$3" "" "${@:4}"
}

# The p99 of a client that sends PING while another one writes with `always`: plainly, and with every fdatasync taking
# 200 ms longer (bench/slow_sync.c, preloaded; Millrace on its epoll backend, which syncs by that call).
slow_sync() {  # side
  local plain slow
  have cc || { echo "no C compiler"; exit 77; }
  cc -O2 -shared -fPIC -o "$work/slow_sync.so" bench/slow_sync.c
  plain=$(reader_p99 "$1")
  under=(env LD_PRELOAD="$work/slow_sync.so" ASAN_OPTIONS=verify_asan_link_order=0)
  slow=$(reader_p99 "$1")
  echo "reader p99 us|$slow"
  awk -v plain="$plain" -v slow="$slow" 'BEGIN { print "p99 / p99 with fast syncs|" slow / plain }'
}
reader_p99() {  # side
  local backend=() writer
  [[ $1 == redis ]] || backend=(--io-backend epoll)
  fresh
  start_with_files "$1" --appendonly yes --appendfsync always "${backend[@]}"
  redis-benchmark -p "${port[$1]}" -c 1 -n 1000000 -q "${xadd[@]}" >/dev/null 2>&1 &
  writer=$!
  load "$build/bench/steady" --port "${port[$1]}" --connections 1 --rate 500 --seconds "$(scaled_seconds 3)" -- PING |
    awk -F'|' '$1 == "p99 us" { print $2 }'
  kill $writer
  stop "$1"
}

# Writes at a fixed rate without a snapshot, then during one.
snapshot() {  # side
  local base during
  fresh
  start_with_files "$1"
  fill_many "$1"
  base=$(steady_figures "$1")
  cli "$1" bgsave >/dev/null
  during=$(steady_figures "$1")
  while [[ $(info "$1" persistence rdb_bgsave_in_progress) == 1 ]]; do sleep 0.1; done
  awk -v b="$base" -v d="$during" -v kept="$(info "$1" persistence rdb_last_cow_size)" -v mb="$megabytes" 'BEGIN {
    split(b, base); split(d, during)
    print "p99.9 / p99.9 without|" during[1] / base[1]
    print "longest pause us|" during[2]
    print "memory kept %|" 100 * kept / (mb * 1e6) }'
}
steady_figures() {  # side
  load "$build/bench/steady" --port "${port[$1]}" --connections 20 --rate 10000 --seconds "$(scaled_seconds 4)" -- \
    XADD 's{1000}' MAXLEN '~' "$((entries / 1000 + 1))" '*' f "$large" |
    awk -F'|' '$1 == "p99.9 us" { p = $2 } $1 == "pause us" { m = $2 } END { print p, m }'
}

# MB of payload per second.
save_and_load() {  # side
  local started
  fresh
  start_with_files "$1" --rdbcompression no
  fill_many "$1"
  started=$EPOCHREALTIME
  cli "$1" save >/dev/null
  echo "save MB/s|$(megabytes_since "$started")"
  stop "$1"
  restarted "$1" "load MB/s"
}
replay() {  # side
  local journal=(--appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0)
  fresh
  start_with_files "$1" "${journal[@]}"
  fill_many "$1"
  redis-cli -p "${port[$1]}" shutdown >/dev/null || true
  wait "${pid[$1]}" || true
  restarted "$1" "replay MB/s" "${journal[@]}"
}
# Until the log says that it is ready: asking over and over takes a processor from a server that loads with two threads.
restarted() {  # side, figure, arguments
  local started=$EPOCHREALTIME
  : >"$work/$1.log"
  launch "$1" --dir "$files" "${@:3}"
  while is_running "$1" && [[ $(<"$work/$1.log") != *"Ready to accept connections"* ]]; do sleep 0.01; done
  echo "$2|$(megabytes_since "$started")"
  await "$1"
}
in_memory() {  # side, how
  files=$(mktemp -d "$memory/millrace-rows.XXXXXX")
  trap 'stop_all; rm -rf "$files"' EXIT
  "$2" "$1"
}

subject "Durability" anywhere own redis ours

row "always, c=1" "per s >=1x" journaled always 5000 -c 1 "${xadd[@]}"
row "always, c=50" "per s >=1.67x, CPU ns" journaled always 60000 -c 50 "${xadd[@]}"
row "always, c=50, P=16" "per s >=1.56x, CPU ns" journaled always 300000 -c 50 -P 16 "${xadd[@]}"
row "everysec, c=50" "per s >=1x, CPU ns <=1x" journaled everysec 80000 -c 50 "${xadd[@]}"
row "everysec, c=50, P=16" "per s >=1x, CPU ns <=1x" journaled everysec 400000 -c 50 -P 16 "${xadd[@]}"
rounds_at_most=3
row "reader during syncs of 200 ms" "reader p99 us <=1x, p99 / p99 with fast syncs <=2" slow_sync
row "snapshot under 10000 XADD per s" \
  "p99.9 / p99.9 without <=2 <=1.2, longest pause us <=1x, memory kept % <=5 <=1" snapshot
row "save and load" "save MB/s >=1000, load MB/s >=1000 >=2000" save_and_load
row "save and load, in memory" "save MB/s >=1000, load MB/s >=1000 >=2000" in_memory save_and_load
row "replay of a journal" "replay MB/s >=400 >=800" replay
