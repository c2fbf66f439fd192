#!/usr/bin/env bash
# A job queue that survives its workers:  examples/job_queue/run.sh PORT [LOG]
#
# Loads every line of LOG (default: /var/log/dpkg.log) into the stream "jobs" of the server on 127.0.0.1:PORT, lets four
# workers of one consumer group process them, kills one of them with -9 half-way, and shows that nothing was lost. It
# deletes the streams "jobs" and "jobs:done" first. $JOB_QUEUE_WORKER names the worker's binary if it is not in
# build/release.
set -euo pipefail
export LC_ALL=C # lengths are counted in bytes

port=${1:?usage: $0 PORT [LOG]}
log=${2:-/var/log/dpkg.log}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
worker=${JOB_QUEUE_WORKER:-$root/build/release/examples/job_queue_worker}
[[ -x $worker ]] || { echo "Build the worker first: cmake --build build/release --target job_queue_worker" >&2; exit 1; }

fail() { echo "$*" >&2; exit 1; }

server() { redis-cli -e --raw -p "$port" "$@"; }

# One figure of the group, by the name XINFO GROUPS has for it.
group_figure() { server XINFO GROUPS jobs | awk -v name="$1" 'found { print; exit } $0 == name { found = 1 }'; }

# How many jobs a worker has in its hands.
pending_of() { server XPENDING jobs workers - + 1000 "$1" | grep -c '^[0-9]*-[0-9]*$' || true; }

# Lines in, the protocol of redis-cli --pipe out: XADD jobs * line <line>
as_commands() {
  awk '{ printf "*5\r\n$4\r\nXADD\r\n$4\r\njobs\r\n$1\r\n*\r\n$4\r\nline\r\n$%d\r\n%s\r\n", length($0), $0 }' "$1"
}

scratch=$(mktemp -d)
declare -A pid=()
end_everything() {
  for name in "${!pid[@]}"; do kill -9 "${pid[$name]}" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap end_everything EXIT

# ---- The jobs.
server DEL jobs jobs:done >/dev/null
server XGROUP CREATE jobs workers 0 MKSTREAM >/dev/null
as_commands "$log" | redis-cli -p "$port" --pipe >"$scratch/pipe" || fail "$(cat "$scratch/pipe")"
total=$(server XLEN jobs)
[[ $total -eq $(awk 'END { print NR }' "$log") ]] || fail "$total jobs for $(awk 'END { print NR }' "$log") lines"
echo "$total lines of $log are jobs now."

# ---- Four workers; every job takes half a millisecond, as if it were work.
for name in w1 w2 w3 w4; do
  "$worker" --port "$port" --name "$name" --idle-ms 1000 --work-us 500 --until-drained >"$scratch/$name" &
  pid[$name]=$!
done

# ---- Kill w2 when a third of the jobs is given out. It is stopped first, so that we can look into its hands: two jobs
# there mean that at least one stays (the acknowledgement of the other may be on its way).
while (($(group_figure entries-read) * 3 < total)); do
  kill -0 "${pid[w2]}" || fail "w2 ended by itself"
done
while kill -STOP "${pid[w2]}" && (($(pending_of w2) < 2)); do kill -CONT "${pid[w2]}"; done
kill -9 "${pid[w2]}"
wait "${pid[w2]}" 2>/dev/null && fail "w2 ended by itself" || [[ $? -eq 137 ]] || fail "w2 was not killed"
unset 'pid[w2]'
left=$(pending_of w2)
unread=$(group_figure lag)
echo "w2 was killed with $left unfinished jobs in its hands; $unread jobs were not given out yet."
((left > 0 && unread > 0)) || fail "That was not in the middle."

for name in w1 w3 w4; do
  wait "${pid[$name]}" || fail "$name failed"
  unset "pid[$name]"
  cat "$scratch/$name"
done

# ---- The account: ids of jobs against the ids in the results.
server XRANGE jobs - + | awk 'NR % 3 == 1' | sort >"$scratch/jobs"
server XRANGE jobs:done - + | awk 'NR % 9 == 3' | sort -u >"$scratch/done"
missed=$(comm -23 "$scratch/jobs" "$scratch/done" | wc -l)
results=$(server XLEN jobs:done)
taken_over=$(server XRANGE jobs:done - + | awk 'NR % 9 == 0 && $0 == "yes"' | wc -l)

echo "jobs $total, processed at least once $((total - missed)), more than once $((results - total + missed))"
echo "taken over $taken_over, pending $(group_figure pending), lag $(group_figure lag)"
[[ $missed -eq 0 && $taken_over -ge $left && $(group_figure pending) -eq 0 && $(group_figure lag) -eq 0 ]] ||
  fail "Jobs were lost."
echo "Nothing was lost."
