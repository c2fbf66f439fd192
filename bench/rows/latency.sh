# shellcheck shell=bash
# Latency of an idle server, and at fixed rates.

# Of so many percent of what redis-server can do when each of 50 connections waits for its reply.
at_share_of_capacity() {  # side, percent, scenario
  local rate
  [[ -s $work/capacity.$3 ]] || stream_load "$1" 100000 --scenario "$3" --connections 50 --streams 16 --payload 100 |
    awk -F'|' '$1 == "commands per second" { printf "%.0f", $2 }' >"$work/capacity.$3"
  rm -f "$work/command"
  rate=$(($(cat "$work/capacity.$3") * $2 / 100))
  stream_load "$1" "$((rate * 2))" --scenario "$3" --connections 50 --streams 16 --payload 100 --rate "$rate"
}

subject "Latency at a share of what redis-server can do (open loop)" apart shared redis ours

percentiles="latency p50 us <=1x, latency p99 us <=1x, latency p99.9 us <=1x"
for percent in 25 50 75; do
  row "XADD at $percent %" "$percentiles" at_share_of_capacity $percent append
done
row "mixed at 50 %" "$percentiles" at_share_of_capacity 50 mixed

one_way() { fan_out "$1" "$2" --pairs "$(scaled_seconds 8)" --messages "$(scaled 1000)"; }
one_way_rows() {
  row "PUBLISH to a subscriber${1:-}" "p50 us <=1x <=0.8x, p99 us <=1x <=0.8x" one_way --one-way
  row "XADD to a blocked XREAD${1:-}" "p50 us <=1x <=0.8x, p99 us <=1x <=0.8x" one_way --one-way-xadd
}
subject "Latency of an idle server, one way" anywhere shared redis ours
one_way_rows
subject "Latency of an idle server of two cores, one way" anywhere shared redis two
one_way_rows ", two cores"
