#!/usr/bin/env bash
# Brings the README's table of speed up to date with bench/RESULTS.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# row | figure
shown="
PING, c=50, P=16|CPU ns
SET 100 B, c=50, P=16|CPU ns
XADD 100 B, c=1|per s
XADD 100 B, c=1, P=100|per s
XADD 100 B, c=50|CPU ns
XADD 100 B, c=50, P=16|CPU ns
XADD 100 B, c=50, P=16|per s
XADD 100 B, c=50, P=64|CPU ns
XREADGROUP COUNT 10, c=50|CPU ns per entry
XRANGE COUNT 100, c=50|CPU us
XAUTOCLAIM COUNT 100, c=50|CPU us
XACK of pending entries, one id|CPU ns
1000 streams, producers=50, P=16|commands per second
groups, 8 producers, 8 consumers, P=16, 8 streams|messages acknowledged per second
100 subscribers, P=16|CPU ns per message
1000 subscribers, P=16|CPU ns per message
PUBLISH to nobody, c=50, P=64|CPU ns
XADD at 75 %|latency p99 us
PUBLISH to a subscriber|p50 us
XADD to a blocked XREAD|p50 us
entry, value of 100 B|bytes
pending entry, ids 5 ms apart|bytes
idle connection|RSS
instructions: XADD 100 B, P=16|instructions
system calls: XADD 100 B, c=50|system calls
always, c=50, P=16|per s
everysec, c=50, P=16|per s
reader during syncs of 200 ms|reader p99 us
snapshot under 10000 XADD per s|longest pause us
save and load|load MB/s
replay of a journal|replay MB/s
"

table=$(awk -F ' *[|] *' -v shown="$shown" '
  /^\| \| figure/ { for (ratio = 1; $ratio != "ratio"; ) ++ratio }
  /^\|/ { name = $2 != "" ? $2 : name; line[name "|" $3] = "| " name " | " $3 " | " $4 " | " $5 " | " $ratio " |" }
  END {
    n = split(shown, wanted, "\n")
    print "| | | redis-server | Millrace | ratio |\n|---|---|---|---|---|"
    for (i = 1; i <= n; ++i) if (wanted[i] in line) print line[wanted[i]]
  }' bench/RESULTS.md)

awk -v table="$table" '
  /^<!-- Made by scripts\/readme_speed.sh: -->/ { print; print table; skipping = 1 }
  /^<!-- End of what readme_speed.sh made. -->/ { skipping = 0 }
  !skipping { print }' README.md >README.md.new
mv README.md.new README.md
