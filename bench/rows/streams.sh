# shellcheck shell=bash
# Whole patterns of use with bench/stream_load, which prints figures as rows want them.

stream_load() {  # side, requests, arguments
  empty "$1" >/dev/null
  load "$build/bench/stream_load" --port "${port[$1]}" --pid "${pid[$1]}" --requests "$(scaled "$2")" "${@:3}"
}

hot_stream_rows() {  # what is said of the server, figures
  local producers
  for producers in 1 8 64; do
    row "one hot stream$1, producers=$producers, P=16" "$2" \
      stream_load 400000 --scenario append --connections $producers --pipeline 16 --streams 1 --payload 100
  done
}

subject "Streams" apart shared redis ours

throughput="commands per second >=1x >=2x, CPU ns per command <=1x"
hot_stream_rows "" "$throughput"
row "1000 streams, producers=50, P=16" "$throughput" \
  stream_load 400000 --scenario append --connections 50 --pipeline 16 --streams 1000 --payload 100
row "groups, 8 producers, 8 consumers, P=16, 1 stream" \
  "messages acknowledged per second >=1x, CPU ns per message <=1x, latency p50 us, latency p99 us" \
  stream_load 50000 --scenario groups --connections 8 --pipeline 16 --streams 1 --payload 100
row "groups, 8 producers, 8 consumers, P=16, 8 streams" \
  "messages acknowledged per second >=1x, CPU ns per message <=1x, latency p50 us, latency p99 us" \
  stream_load 50000 --scenario groups --connections 8 --pipeline 16 --streams 8 --payload 100
row "mixed, c=50" "$throughput" stream_load 80000 --scenario mixed --connections 50 --streams 16 --payload 100
row "mixed, c=50, P=16" "$throughput" \
  stream_load 300000 --scenario mixed --connections 50 --pipeline 16 --streams 16 --payload 100
