# shellcheck shell=bash
# Servers side by side, where they run, what they spend. Sourced.
#
# A side is one of the servers that a row compares: redis, ours (--cores), one and two (Millrace with that many cores), or
# floor, which only counts commands and answers +OK.
#
#   start SIDE [ARGUMENT...]    starts one; port[SIDE] and pid[SIDE] are its own from then on
#   stop SIDE                   ends it
#   load PROGRAM...             runs a load generator where placement says, and notes its command line for the reader
#   work                        a directory for the script's files

declare -A port=() pid=()
declare -A label=([redis]=redis-server [ours]=Millrace [one]="Millrace, one core" [two]="Millrace, two cores" [floor]=floor)
declare -A cores_of=([redis]=1 [ours]=$cores [one]=1 [two]=2 [floor]=1)
under=()  # words before the server's command line: what it runs under
work=$(mktemp -d)
scratch=("$work")  # directories that go with the script
trap 'stop_all; rm -rf "${scratch[@]}"' EXIT

ulimit -Sn "$(ulimit -Hn)"

have() { command -v "$1" >/dev/null; }
scaled() { awk -v n="$1" -v f="$factor" 'BEGIN { n = int(n * f); print n < 100 ? 100 : n }'; }
scaled_seconds() { awk -v n="$1" -v f="$factor" 'BEGIN { n = int(n * f); print n < 1 ? 1 : n }'; }
bytes() { printf "%$1s" "" | tr ' ' x; }

need_built() {  # programs below the build directory
  local program
  for program in "$@"; do
    [[ -x $build/$program ]] && continue
    echo "Build it first: cmake --preset release && cmake --build --preset release" >&2
    exit 1
  done
}

# ---- servers

free_port() {
  local port
  # Below the ports that the system gives to clients.
  while port=$((10000 + RANDOM % 20000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# Starts a side and does not wait until it answers.
launch() {  # side, arguments
  local side=$1 words
  shift
  port[$side]=$(free_port)
  case $side in
    redis) words=(redis-server --save '' "$@") ;;
    floor) words=("$build/bench/floor") ;;
    *) words=("$build/millrace-server" --save '' --cores "${cores_of[$side]}" "$@") ;;
  esac
  place_server "$side"
  "${place[@]}" "${under[@]}" "${words[@]}" --port "${port[$side]}" >"$work/$side.log" 2>&1 &
  pid[$side]=$!
}
start() {  # side, arguments
  launch "$@"
  await "$1"
}
await() {  # side
  for _ in {1..6000}; do
    [[ $(redis-cli -p "${port[$1]}" ping 2>/dev/null) =~ ^(PONG|OK)$ ]] && return
    is_running "$1" || break
    sleep 0.005
  done
  die "${label[$1]} did not start: $(cat "$work/$1.log")"
}
is_running() { [[ -n ${pid[$1]:-} ]] && kill -0 "${pid[$1]}" 2>/dev/null; }
stop() {  # side
  kill -9 "${pid[$1]}" 2>/dev/null || true
  wait "${pid[$1]}" 2>/dev/null || true
  unset "pid[$1]"
}
stop_all() {
  local side
  for side in "${!pid[@]}"; do stop "$side"; done
}
die() { echo "$*" >&2; exit 1; }

cli() {  # side, command; an error reply is a failure
  redis-cli -e -p "${port[$1]}" "${@:2}"
}
info() {  # side, section, field
  cli "$1" info "$2" | tr -d '\r' | awk -F: -v field="$3" '$1 == field { print $2 }'
}

# ---- where processes run

# placement is "apart" (a server has a processor of its own, or as many as cores, if there are two or more) or "anywhere"
# (the system decides). A Millrace of several cores may always run on all if there are not enough for the load besides: on
# one processor its threads would wait for each other.
placement=apart place=()
can_place() { [[ $placement == apart && $(nproc) -ge 2 ]] && have taskset; }
place_server() {  # side
  place=()
  can_place || return 0
  if [[ ${cores_of[$1]} -lt $(nproc) ]]; then
    place=(taskset -c "0-$((cores_of[$1] - 1))")
  fi
}
place_load() {
  place=()
  can_place || return 0
  place=(taskset -c "$(($(nproc) > 3 ? 2 : 1))-$(($(nproc) - 1))")
}

# Runs a load generator.
load() {  # program, arguments
  note "$@"
  place_load
  "${place[@]}" "$@"
}
# The first that a row notes stands under its table: what was run, without what is only of this run.
note() {
  [[ -s $work/command ]] || sed -E "s#$build/##; s/ -+(p|port|pid) [0-9]+//g; s/x{17,}/<data>/g" <<<"$*" >"$work/command"
}

# ---- what servers spend

# Nanoseconds of processor time, in all and outside the kernel.
spent() {  # side
  cat "/proc/${pid[$1]}"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f ", sum }'
  awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\)/, ""); printf "%.0f\n", $12 / tick * 1e9 }' "/proc/${pid[$1]}/stat"
}
# The difference of two outputs of spent, for each of so many commands.
print_costs() {  # before, after, commands
  awk -v n="$3" '{ print "CPU ns|" ($3 - $1) / n "\nuser ns|" ($4 - $2) / n }' <<<"$1 $2"
}
resident_bytes() { awk '/^VmRSS/ { print $2 * 1024 }' "/proc/${pid[$1]}/status"; }

# ---- load generators

# Prints requests per second. An error reply is a failure.
run_benchmark() {  # side, requests, arguments
  load redis-benchmark -p "${port[$1]}" -n "$2" -q "${@:3}" 2>&1 | tr '\r' '\n' | awk '
    /Error|WRONGTYPE|refused|reset/ { print > "/dev/stderr"; failed = 1 }
    /requests per second/ { for (i = 2; i <= NF; ++i) if ($i == "requests") rate = $(i - 1) }
    END { if (failed || rate == "") exit 1; print rate }'
}

# A way to measure: after the preparation (see below) what each of the requests costs the server.
benchmark() {  # side, requests, preparation, redis-benchmark arguments
  local side=$1 requests before after rate
  requests=$(scaled "$2")
  prepare "$side" "$3"
  before=$(spent "$side")
  rate=$(run_benchmark "$side" "$requests" "${@:4}")
  after=$(spent "$side")
  print_costs "$before" "$after" "$requests"
  echo "per s|$rate"
}

# ---- preparations: functions of a side, several in a row with a semicolon between them

prepare() {  # side, preparation
  local step words steps=()
  IFS=';' read -ra steps <<<"$2"
  for step in "${steps[@]}"; do
    read -ra words <<<"$step"
    "${words[0]}" "$1" "${words[@]:1}" >/dev/null
  done
}
empty() { cli "$1" flushall; }
# A stream s of so many entries, left as it is if it has them already.
fill() {  # side, entries, bytes
  local entries
  entries=$(scaled "$2")
  [[ $(cli "$1" xlen s) != "$entries" ]] || return 0
  cli "$1" del s
  place_load
  "${place[@]}" redis-benchmark -p "${port[$1]}" -n "$entries" -c 10 -P 64 -q xadd s '*' f "$(bytes "${3:-64}")"
}
# A stream s of so many entries whose ids are five milliseconds apart.
fill_sparse() {  # side, entries
  local entries
  entries=$(scaled "$2")
  cli "$1" del s
  numbered "$entries" | awk -v data="$(bytes 64)" "$awk_request"'{ request("XADD s " $1 " f " data) }' | pipe "$1"
}
# A group g that was handed nothing yet.
group() {  # side
  redis-cli -p "${port[$1]}" xgroup destroy s g
  cli "$1" xgroup create s g 0
}
# The first entries of s go to one consumer of g.
deliver() {  # side, entries
  local left
  for ((left = $(scaled "$2"); left > 0; left -= 1000)); do
    echo "XREADGROUP GROUP g c COUNT $((left < 1000 ? left : 1000)) STREAMS s >"
  done | awk "$awk_request"'{ request($0) }' | pipe "$1"
}

# ---- prepared requests through redis-cli --pipe

numbered() { seq "$1" | awk '{ printf "%.0f-0\n", 1700000000000 + 5 * $1 }'; }
pipe() {  # side; requests on standard input
  place_load
  "${place[@]}" redis-cli -p "${port[$1]}" --pipe | grep -q "errors: 0,"
}
awk_request='
  function request(line,   words, n, i) {
    n = split(line, words, " ")
    printf "*%d\r\n", n
    for (i = 1; i <= n; ++i) printf "$%d\r\n%s\r\n", length(words[i]), words[i]
  }
'
