# shellcheck shell=bash disable=SC2034  # sourced: others use the variables
# What the comparisons share: two servers side by side, their processor time, medians. Sourced, from the top directory.
#
#   start_servers CORES   starts redis-server and Millrace with CORES I/O threads; they end with the script
#   ports, pids           of the two: 0 is redis-server, 1 is Millrace
#   pin                   words before the load generator's command line that say where it runs
#   work                  a directory for the script's files

servers=(redis-server millrace-server)
build=${build:-build/release}
ports=() pids=() pin=()
work=$(mktemp -d)
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

free_port() {
  local port
  # Below the ports that the system gives to clients.
  while port=$((10000 + RANDOM % 20000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

wait_ready() { for _ in {1..200}; do [[ $(redis-cli -p "$1" ping 2>/dev/null) == PONG ]] && return; sleep 0.05; done; return 1; }

need_built() {  # programs below the build directory
  local program
  for program in "$@"; do
    [[ -x $build/$program ]] && continue
    echo "Build it first: cmake --preset release && cmake --build --preset release" >&2
    exit 1
  done
}

start_servers() {  # cores
  ports=("$(free_port)" "$(free_port)")
  redis-server --port "${ports[0]}" --save '' --appendonly no --daemonize no >"$work/redis.log" &
  pids+=($!)
  "$build/millrace-server" --port "${ports[1]}" --cores "$1" --save '' >"$work/millrace.log" &
  pids+=($!)
  local port
  for port in "${ports[@]}"; do wait_ready "$port" || { echo "A server did not start: $(cat "$work"/*.log)" >&2; exit 1; }; done
}

# Where the processes run: place_apart keeps the load generator off the first processor and the servers on it, if there
# are two or more; place_anywhere leaves it to the system. A Millrace of several cores may run anywhere in both cases: on
# one processor its threads would wait for each other.
place_apart() {  # cores
  can_place || return 0
  pin=(taskset -c 1-$(($(nproc) - 1)))
  place_servers "$1" 0
}
place_anywhere() {  # cores
  can_place || return 0
  pin=()
  place_servers "$1" 0-$(($(nproc) - 1))
}
can_place() { [[ $(nproc) -ge 2 ]] && command -v taskset >/dev/null; }
place_servers() {  # cores, processors
  taskset -apc "$2" "${pids[0]}" >/dev/null
  [[ $1 -gt 1 ]] || taskset -apc "$2" "${pids[1]}" >/dev/null
}

cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }'; }

# Prints "cpu_ns_per_command throughput" of a redis-benchmark line.
measure_benchmark() {  # side, requests, arguments
  local before after rate
  before=$(cpu_ns "${pids[$1]}")
  # shellcheck disable=SC2086
  rate=$(set -f; "${pin[@]}" redis-benchmark -p "${ports[$1]}" -n "$2" -q $3 2>/dev/null | tr '\r' '\n' |
    awk '/requests per second/ { for (i = 2; i <= NF; ++i) if ($i == "requests") rate = $(i - 1) } END { print rate }')
  after=$(cpu_ns "${pids[$1]}")
  awk -v a="$before" -v b="$after" -v n="$2" -v r="${rate:-0}" 'BEGIN { printf "%.1f %.0f\n", (b - a) / n, r }'
}

print_versions() {
  echo "$(redis-server --version | awk '{print "redis-server", $3}'), $("$build/millrace-server" --version), $(nproc) processors, $(date -u +%F)"
}

# Functions for awk programs: awk "$awk_functions"'...'
awk_functions='
  function median(values, n,   i, j, swap) {
    for (i = 1; i <= n; ++i) for (j = i + 1; j <= n; ++j)
      if (values[j] < values[i]) { swap = values[i]; values[i] = values[j]; values[j] = swap }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
  }
'

# A row for each figure in a file of "side|figure|value" lines: the median of the ratios, and of both sides.
print_ratios() {  # name, file
  awk -F'|' -v name="$1" "$awk_functions"'
    { if (!(($2) in runs)) order[++figures] = $2 }
    { runs[$2]; value[$1, $2, ++count[$1, $2]] = $3 }
    END {
      for (f = 1; f <= figures; ++f) {
        figure = order[f]
        n = count[0, figure] < count[1, figure] ? count[0, figure] : count[1, figure]
        if (n == 0) continue
        for (i = 1; i <= n; ++i) {
          theirs[i] = value[0, figure, i]; ours[i] = value[1, figure, i]
          ratio[i] = theirs[i] > 0 ? ours[i] / theirs[i] : 0
        }
        printf "| %s | %s | %.2f | %.4g | %.4g |\n", name, figure, median(ratio, n), median(theirs, n), median(ours, n)
      }
    }' "$2"
}
