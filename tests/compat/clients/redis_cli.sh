#!/usr/bin/env bash
# redis-cli, as scripts and operators use it: the steps of ../README.md. At a terminal: tests/end_to_end/tools_test.cc.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

connect() {
  expect PONG "$(cli ping)"
  expect_match " db=$REDIS_DB .* resp=$REDIS_PROTOCOL( |$)" "$(cli client info)"
  expect "$REDIS_DB" "$(REDISCLI_AUTH=$REDIS_PASSWORD redis-cli -p "$REDIS_PORT" -n "$REDIS_DB" client info |
    sed -E 's/.* db=([0-9]+) .*/\1/')"
  expect_match "WRONGPASS .*NOAUTH Authentication required" "$(redis-cli -p "$REDIS_PORT" -a wrong get a 2>&1)"
}

values() {
  expect OK "$(cli set "$(key lock)" me nx px 30000)"
  expect "" "$(cli set "$(key lock)" you nx)"
  [[ $(cli pttl "$(key lock)") -gt 20000 ]] || die "no time to live"
  expect me "$(cli getdel "$(key lock)")"
  expect 42 "$(cli -r 42 incr "$(key count)" | tail -1)"
  expect_match ^WRONGTYPE "$(cli xadd "$(key count)" '*' a b)"
  expect $'a "b"\n\nc' "$(printf 'mset %s "a \\"b\\"" %s "" %s c\nmget %s %s %s\n' \
    "$(key a)" "$(key b)" "$(key c)" "$(key a)" "$(key b)" "$(key c)" | cli | tail -3)"
}

pipeline() {
  local i log
  log=$(key log)
  for ((i = 0; i < 1000; i++)); do echo "XADD $log * i $i"; done | cli --pipe >"$scratch/pipe"
  expect_match "errors: 0, replies: 1000" "$(<"$scratch/pipe")"
  expect 1000 "$(cli xlen "$log")"
  expect "$(seq 0 999)" "$(cli xrange "$log" - + | awk 'NR % 3 == 0')"
}

transaction() {
  local orders
  orders=$(key orders)
  expect $'OK\nQUEUED\nQUEUED\n1\n1-1' \
    "$(printf '%s\n' multi "incr $orders" "xadd $(key events) 1-1 order 1" exec | cli)"
  expect $'OK\nQUEUED\nWRONGTYPE' "$(printf '%s\n' multi "incr $(key events)" exec | cli | grep -oE '^(OK|[A-Z]+)')"
  expect_match EXECABORT "$(printf '%s\n' multi nosuch "incr $orders" exec | cli)"
  expect 1 "$(cli get "$orders")"

  coproc SESSION { cli 2>&1; }
  ask "watch $orders" OK
  cli incr "$orders" >/dev/null
  ask multi OK
  ask "set $orders 0" QUEUED
  ask exec ""
  ask "get $orders" 2
  end_session
}

# One line to the session, and one line from it.
ask() {
  local line
  echo "$1" >&"${SESSION[1]}"
  read -r -t 20 line <&"${SESSION[0]}" || die "no answer to $1"
  expect "$2" "$line"
}
end_session() {
  local input=${SESSION[1]}
  exec {input}>&-
  wait "$SESSION_PID"
}

jobs() {
  local queue claimed next workers=() end
  queue=$(key jobs)
  expect OK "$(cli xgroup create "$queue" workers '$' mkstream)"
  expect_match ^BUSYGROUP "$(cli xgroup create "$queue" workers '$')"
  expect_match ^NOGROUP "$(cli xreadgroup group nobody me streams "$queue" '>')"

  # One worker waits, takes five jobs and dies with them.
  elements xreadgroup group workers dead count 5 block 10000 streams "$queue" '>' >"$scratch/taken" &
  wait_for reader_waits
  { echo multi; for i in 1 2 3 4 5; do echo "xadd $queue * job $i"; done; echo exec; } | cli >"$scratch/produced"
  wait $!
  expect "$(tail -5 "$scratch/produced")" "$(ids <"$scratch/taken")"
  expect "5 dead" "$(cli xpending "$queue" workers | awk 'NR == 1 || NR == 4' | xargs)"
  expect 5 "$(cli xpending "$queue" workers - + 10 | grep -c ^dead)"

  # Two others go on, and take over what has been idle for too long.
  work "$queue" w1 & workers+=($!)
  work "$queue" w2 & workers+=($!)
  end=$((${EPOCHREALTIME/./} + $(awk -v s="$COMPAT_SECONDS" 'BEGIN { print int(s * 1000000) }')))
  while ((${EPOCHREALTIME/./} < end)); do
    for i in {1..20}; do echo "xadd $queue * job more"; done | cli >>"$scratch/more"
  done
  wait_for rescued "$queue"
  cli set "$queue:closed" yes >/dev/null
  wait "${workers[@]}"
  expect "$(tail -5 "$scratch/produced" | cat - "$scratch/more" | sort)" \
    "$(cat "$scratch"/handled.* | sort)"
  expect_match "pending 0 .* lag 0$" "$(cli xinfo groups "$queue" | xargs)"
}
reader_waits() { cli client list | grep -q ' cmd=xreadgroup '; }
work() {
  until [[ $(cli exists "$1:closed") == 1 ]]; do
    elements xreadgroup group workers "$2" count 20 block 100 streams "$1" '>' | ids |
      acknowledge "$1" >>"$scratch/handled.$2"
  done
}
# Whether nothing is left; else what has been idle for too long is taken and done.
rescued() {
  cli xautoclaim "$1" workers rescue 300 0-0 count 20 | tail -n +2 | ids | acknowledge "$1" >>"$scratch/handled.rescue"
  [[ $(cli xpending "$1" workers | head -1) == 0 && $(elements xinfo groups "$1" | tail -1) == 0 ]]
}
# Of the ids that it reads, those that were still pending.
acknowledge() {
  local taken
  taken=$(cat)
  [[ -z $taken ]] || paste <(echo "$taken") <(sed "s/^/xack $1 workers /" <<<"$taken" | cli) | awk '$2 == 1 { print $1 }'
}

pubsub() {
  local i
  "${cli_words[@]}" subscribe "$(key news)" >"$scratch/channel" & background+=($!)
  "${cli_words[@]}" psubscribe "$(key 'user:*')" >"$scratch/pattern" & background+=($!)
  wait_for heard 1 "$scratch/channel"
  wait_for heard 1 "$scratch/pattern"
  expect "$(key news) 1" "$(cli pubsub numsub "$(key news)" | xargs)"
  for ((i = 0; i < 100; i++)); do
    echo "publish $(key news) $i"
    echo "publish $(key "user:$i") hello"
  done | cli >"$scratch/counts"
  expect 200 "$(grep -cx 1 "$scratch/counts")"
  wait_for heard 101 "$scratch/channel"
  wait_for heard 101 "$scratch/pattern"
  expect "$(seq 0 99)" "$(awk 'NR > 3 && NR % 3 == 0' "$scratch/channel")"
  expect "$(seq 0 99)" "$(grep -x "$(key 'user:[0-9]*')" "$scratch/pattern" | sed 's/.*://')"
  kill "${background[@]}"
  wait_for expect_listeners 0
}
heard() { [[ $(grep -csE '^p?(subscribe|message)$' "$2") == "$1" ]]; }
expect_listeners() { [[ $(cli publish "$(key news)" x) == "$1" ]]; }

reconnect() {
  local id
  cli set "$(key kept)" yes >/dev/null
  coproc SESSION { cli 2>&1; }
  echo "client id" >&"${SESSION[1]}"
  read -r -t 20 id <&"${SESSION[0]}"
  expect 1 "$(cli client kill id "$id")"
  ask ping "Error: Server closed the connection"
  # It connects again, with the password; the database is forgotten.
  ask "select $REDIS_DB" OK
  ask "get $(key kept)" yes
  end_session
}

scan() {
  local i
  for ((i = 0; i < 500; i++)); do echo "SET $(key "scan:$i") $i"; done | cli --pipe >/dev/null
  for ((i = 0; i < 100; i++)); do echo "XADD $(key "scan:stream:$i") * i $i"; done | cli --pipe >/dev/null
  expect 600 "$(cli --scan --pattern "$(key 'scan:*')" | sort -u | wc -l)"
  expect 100 "$(cli scan 0 match "$(key 'scan:*')" count 100000 type stream | grep -c scan:stream:)"
  expect_match "Sampled [0-9]+ keys" "$(cli --bigkeys)"
}

run_steps "connect values pipeline transaction jobs pubsub reconnect scan" "$@"
