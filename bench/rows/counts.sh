# shellcheck shell=bash
# What noise cannot move: instructions of the program itself, under valgrind's callgrind, and system calls, under strace.

# Instructions per command: the difference between so many commands and three times as many, each with a server of its own.
instructions() {  # side, commands, redis-benchmark arguments
  local commands once thrice
  have valgrind || { echo "valgrind is not installed"; exit 77; }
  ! grep -q __asan_init "$build/millrace-server" || { echo "valgrind runs no sanitized build"; exit 77; }
  commands=$(scaled "$2")
  note "under valgrind --tool=callgrind: redis-benchmark -n $commands and $((3 * commands)) ${*:3}"
  once=$(instructions_of "$1" "$commands" "${@:3}")
  thrice=$(instructions_of "$1" $((3 * commands)) "${@:3}")
  echo "instructions|$(((thrice - once) / (2 * commands)))"
}
instructions_of() {  # side, commands, redis-benchmark arguments
  under=(valgrind --tool=callgrind --callgrind-out-file=/dev/null)
  start "$1"
  [[ $1 == redis ]] || note_backend "$1"
  run_benchmark "$1" "${@:2}" >/dev/null
  kill "${pid[$1]}"
  wait "${pid[$1]}" || true
  awk '/Collected :/ { print $4 }' "$work/$1.log"
}

note_backend() {  # side
  grep -q Millrace "$work/command" || sed -i "s/$/; Millrace on $(info "$1" server multiplexing_api)/" "$work/command"
}

system_calls() {  # side, commands, redis-benchmark arguments
  local commands tracer
  have strace || { echo "strace is not installed"; exit 77; }
  commands=$(scaled "$2")
  strace -f -c -o "$work/calls" -p "${pid[$1]}" 2>"$work/strace.log" &
  tracer=$!
  until ! grep -q '^TracerPid:\s0$' /proc/"${pid[$1]}"/task/*/status; do
    kill -0 $tracer 2>/dev/null || { echo "strace may not look into processes here"; exit 77; }
    sleep 0.02
  done
  run_benchmark "$1" "$commands" "${@:3}" >/dev/null
  kill $tracer
  wait $tracer || true
  awk -v n="$commands" '$NF == "total" { print "system calls|" $4 / n }' "$work/calls"
}

subject "User instructions per command (callgrind)" apart own redis ours
rounds_at_most=1

row "instructions: PING, P=16" "instructions <=1200 <=600" instructions 10000 -c 50 -P 16 -t ping_mbulk
row "instructions: SET 3 B, P=16" "instructions <=2000 <=1200" instructions 10000 -c 50 -P 16 set n xxx
row "instructions: XADD 100 B, P=16" "instructions <=3500 <=2500" instructions 10000 -c 50 -P 16 "${xadd[@]}"
row "instructions: XADD 5 x 100 B, P=16" "instructions <=6500 <=5000" \
  instructions 10000 -c 50 -P 16 xadd s '*' f1 "$b100" f2 "$b100" f3 "$b100" f4 "$b100" f5 "$b100"

subject "System calls per command (strace)" apart shared redis ours

row "system calls: XADD 100 B, c=50" "system calls <=0.25 <=0.1" system_calls 20000 -c 50 "${xadd[@]}"
row "system calls: XADD 100 B, c=50, P=16" "system calls <=0.03 <=0.01" system_calls 200000 -c 50 -P 16 "${xadd[@]}"
