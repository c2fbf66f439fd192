# shellcheck shell=bash
# Pub/sub with bench/fan_out, which also checks that no message is lost, doubled or out of order.

fan_out() {  # side, arguments
  load "$build/bench/fan_out" --port "${port[$1]}" --pid "${pid[$1]}" "${@:2}"
}
# What becomes of a publisher when ten of a thousand subscribers never read: "rate kept" is its rate with them, divided by
# its rate without. The limit is low, so that ten seconds are enough to reach it.
deaf() {  # side
  local arguments with without
  arguments=(--subscribers 990 --pipeline 16 --payload 4000 --seconds "$(scaled_seconds 10)")
  cli "$1" config set client-output-buffer-limit "pubsub 2mb 0 0" >/dev/null
  without=$(fan_out "$1" "${arguments[@]}")
  rm "$work/command"
  with=$(fan_out "$1" "${arguments[@]}" --deaf 10)
  awk -F'|' '
    $1 == "publishes per second" { rate[++n] = $2 }
    $1 == "deaf closed" { print }
    $1 == "deaf output bytes max" { print "their output at most MB|" $2 / 1048576 }
    END { print "rate kept|" rate[2] / rate[1] }' <<<"$without"$'\n'"$with"
}

subject "Pub/sub" apart shared redis ours

fan_out_row() {  # subscribers, pipeline, goals
  row "$1 subscribers, P=$2" "CPU ns per message $3" \
    fan_out --subscribers "$1" --pipeline "$2" --seconds "$(scaled_seconds 2)"
}
fan_out_row 100 1 "<=0.76x <=0.58x"
fan_out_row 100 16 "<=0.57x <=0.39x"
fan_out_row 1000 1 "<=1x"
fan_out_row 1000 16 "<=0.54x <=0.36x"
row "PUBLISH to nobody, c=50" "CPU ns <=1x, per s >=1x" benchmark 80000 "" -c 50 publish nobody "$(bytes 64)"
row "PUBLISH to nobody, c=50, P=16" "CPU ns <=0.62x <=0.44x, per s >=1x" \
  benchmark 600000 "" -c 50 -P 16 publish nobody "$(bytes 64)"
row "PUBLISH to nobody, c=50, P=64" "CPU ns <=0.61x <=0.46x, per s >=1x" \
  benchmark 1000000 "" -c 50 -P 64 publish nobody "$(bytes 64)"
rounds_at_most=1
row "1000 subscribers, 10 of them deaf" "rate kept, deaf closed, their output at most MB" deaf
