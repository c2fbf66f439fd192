#!/usr/bin/env bash
# redis-benchmark with the tests that need no other types than this server has: no errors, and as many keys and entries
# as it was told to make.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

benchmark() {
  local protocol=() out
  [[ $REDIS_PROTOCOL == 3 ]] && protocol=(-3)
  out=$(redis-benchmark -h "$REDIS_HOST" -p "$REDIS_PORT" -a "$REDIS_PASSWORD" --dbnum "$REDIS_DB" "${protocol[@]}" \
    -q -c 20 "$@" 2>&1) || die "$out"
  [[ ! $out =~ [Ee]rror|WARNING ]] || die "$out"
  expect_match "requests per second" "$out"
}

connect() { benchmark -n 20 ping; }
built_in_tests() {
  benchmark -t ping,set,get,incr,mset -n 2000
  benchmark -t ping,set,get,incr,mset -n 16000 -P 16 -r 1000 -d 100
  benchmark -t set,get -n 4000 --threads 2
  expect_match '^[0-9]+$' "$(cli get counter:__rand_int__)"
}
streams() {
  benchmark -n 1600 -P 16 xadd "$(key stream)" '*' field __data__
  expect 1600 "$(cli xlen "$(key stream)")"
  cli xgroup create "$(key stream)" workers 0 >/dev/null
  benchmark -n 800 xreadgroup group workers me count 1 streams "$(key stream)" '>'
  expect 800 "$(cli xpending "$(key stream)" workers | head -1)"
}
channels() {
  "${cli_words[@]}" subscribe "$(key channel)" >"$scratch/channel" & background+=($!)
  wait_for grep -qs ^subscribe "$scratch/channel"
  benchmark -n 1600 -P 16 publish "$(key channel)" hello
  wait_for heard 1600
}
heard() { [[ $(grep -c ^message "$scratch/channel") == "$1" ]]; }

run_steps "connect built_in_tests streams channels" "$@"
