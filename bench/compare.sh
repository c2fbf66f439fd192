#!/usr/bin/env bash
# Every row of the comparison with redis-server, side by side, and bench/RESULTS.md from it:
#
#   bench/compare.sh [--only TEXT] [--rounds N] [--requests F] [--cores N] [--build DIRECTORY]
#                    [--dir DIRECTORY] [--memory DIRECTORY] [--write] [--list] [--smoke]
#
#   --only TEXT     the rows whose name, or whose subject's title, contains TEXT
#   --rounds N      how often each row goes A B A B ... (default 5; some rows that take long go fewer times)
#   --requests F    multiplies the number of requests, or the seconds, of every row
#   --cores N       I/O threads of Millrace where nothing else is said (default 1: as many as redis-server has)
#   --build         where Millrace and the load tools are (default build/release)
#   --dir           on the disk that journals and snapshots are measured on (default: TMPDIR or /tmp)
#   --memory        on a file system in memory, with room for two snapshots (default /dev/shm)
#   --write         writes bench/RESULTS.md although only some rows ran; a run of all rows does so anyway
#   --list          only names the rows
#   --smoke         each row once with tiny inputs, to see that it works. Writes nothing
#
# A row shows one or more figures: of both sides the median over the rounds, the median of the *ratios* of each round,
# Millrace / redis-server, and the smallest and largest of them. A goal with an x is one for the ratio, without one for
# Millrace's own figure. What is said in bench/notes.txt of a row that misses its goal goes into RESULTS.md.
#
# bench/rows/*.sh are the rows by subject, bench/lib.sh is how servers are started and watched, bench/table.sh how rows
# are run and printed. The exit status is 1 if a row failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

only="" rounds=5 factor=1 cores=1 build=build/release dir=${TMPDIR:-/tmp} memory=/dev/shm write="" list="" smoke=""
while [[ $# -gt 0 ]]; do
  case $1 in
    --only) only=$2 ;;
    --rounds) rounds=$2 ;;
    --requests) factor=$2 ;;
    --cores) cores=$2 ;;
    --build) build=$2 ;;
    --dir) dir=$2 ;;
    --memory) memory=$2 ;;
    --write | --list | --smoke) declare "${1#--}=yes"; shift; continue ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 1 ;;
  esac
  shift 2
done
[[ -n $smoke ]] && rounds=1 factor=0.002

source bench/lib.sh
source bench/table.sh
[[ -n $list ]] || need_built millrace-server bench/fan_out bench/steady bench/stream_load bench/floor

print_setting
source bench/rows/commands.sh
source bench/rows/streams.sh
source bench/rows/two_cores.sh
source bench/rows/pubsub.sh
source bench/rows/latency.sh
source bench/rows/memory.sh
source bench/rows/counts.sh
source bench/rows/durability.sh
finish
