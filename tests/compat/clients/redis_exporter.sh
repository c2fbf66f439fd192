#!/usr/bin/env bash
# prometheus-redis-exporter: it scrapes everything it knows without an error in its log, and what it says of streams,
# keys and clients is so.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

fill() {
  local i queue
  queue=$(key queue)
  for i in 1 2 3 4 5 6 7; do cli xadd "$queue" "$i-0" job "$i" >/dev/null; done
  cli xgroup create "$queue" workers 0 >/dev/null
  cli xreadgroup group workers w1 count 3 streams "$queue" '>' >/dev/null
  cli xreadgroup group workers w2 count 2 streams "$queue" '>' >/dev/null
  cli xack "$queue" workers 1-0 >/dev/null
  cli xgroup create "$queue" others '$' >/dev/null
  cli set "$(key greeting)" hello ex 1000 >/dev/null
  expect_match ^WRONGTYPE "$(cli incr "$queue")"
}

# Starts the exporter on a port that is free; $metrics is the host and port to ask.
start_exporter() {
  local attempt
  for attempt in 1 2 3 4 5; do
    metrics="127.0.0.1 $((20000 + (RANDOM + attempt) % 12000))"
    REDIS_PASSWORD=$REDIS_PASSWORD prometheus-redis-exporter -redis.addr "redis://$REDIS_HOST:$REDIS_PORT" \
      -web.listen-address "${metrics/ /:}" -check-streams "db$REDIS_DB=$(key queue)" \
      -check-single-streams "db$REDIS_DB=$(key queue)" -check-keys "db$REDIS_DB=$(key greeting)" \
      -count-keys "db$REDIS_DB=$(key '*')" -export-client-list -include-config-metrics -include-system-metrics \
      -ping-on-connect 2>"$scratch/log" & background+=($!)
    while kill -0 $! 2>/dev/null; do
      scrape && return
      sleep 0.05
    done
  done
  die "$(<"$scratch/log")"
}

scrape() {
  { exec {connection}<>"/dev/tcp/${metrics/ //}"; } 2>/dev/null || return 1
  printf 'GET /metrics HTTP/1.0\r\n\r\n' >&"$connection"
  cat <&"$connection" >"$scratch/metrics"
  exec {connection}>&-
}

# metric <name> <labels>... : its value; the labels may stand in any order.
metric() {
  local lines label
  lines=$(grep -E "^redis_$1[{ ]" "$scratch/metrics") || true
  for label in "${@:2}"; do lines=$(grep -F "$label" <<<"$lines") || true; done
  sed 's/.* //' <<<"$lines"
}

without_errors() {
  start_exporter
  expect 1 "$(metric up)"
  expect 0 "$(metric exporter_last_scrape_error)"
  expect 0 "$(metric exporter_last_scrape_connect_time_seconds | grep -c -)"
  ! grep -v "level=info" "$scratch/log" || die "the exporter has something to say"
}

streams() {
  local stream="stream=\"$(key queue)\"" workers='group="workers"' name shown
  expect 7 "$(metric stream_length "$stream")"
  expect 2 "$(metric stream_groups "$stream")"
  expect 2 "$(metric stream_group_consumers "$stream" "$workers")"
  expect 4 "$(metric stream_group_messages_pending "$stream" "$workers")"
  expect 2 "$(metric stream_group_consumer_messages_pending "$stream" 'consumer="w1"')"
  expect 2 "$(metric stream_group_consumer_messages_pending "$stream" 'consumer="w2"')"
  expect_match '^[0-9.e+-]+$' "$(metric stream_group_consumer_idle_seconds "$stream" 'consumer="w1"')"
  for name in radix_tree_keys radix_tree_nodes; do
    shown=$(elements xinfo stream "$(key queue)" | grep -A1 "^${name//_/-}$" | tail -1)
    expect "$shown" "$(metric "stream_$name" "$stream")"
  done
}

keys_and_clients() {
  local db="db=\"db$REDIS_DB\""
  expect 2 "$(metric keys_count "$db")"
  expect 5 "$(metric key_size "key=\"$(key greeting)\"")"
  expect_match '^[1-9]' "$(metric db_keys "$db")"
  expect_match '^[1-9]' "$(metric db_keys_expiring "$db")"
  expect_match '^[1-9]' "$(metric connected_clients)"
  expect_match '^[1-9]' "$(metric connected_clients_details 'name="redis_exporter"')"
  expect_match '^[1-9]' "$(metric commands_total 'cmd="xadd"')"
  expect_match '^[1-9]' "$(metric memory_used_bytes)"
  expect_match '^[0-9]+$' "$(metric uptime_in_seconds)"
  expect_match 'redis_version="7' "$(grep ^redis_instance_info "$scratch/metrics")"
  expect_match 'role="master"' "$(grep ^redis_instance_info "$scratch/metrics")"
}

# redis_exporter.metrics has the names of all it shows of redis-server 7.0.15 in this state.
everything_is_there() {
  names <"$scratch/metrics" >"$scratch/names"
  expect "" "$(LC_ALL=C comm -23 "${BASH_SOURCE[0]%.sh}.metrics" "$scratch/names" | xargs)"
}
names() { grep '^redis_' | sed 's/[{ ].*//' | LC_ALL=C sort -u; }

run_steps "fill without_errors streams keys_and_clients everything_is_there" "$@"
