# shellcheck shell=bash
# Rows: run, printed, and put together as RESULTS.md. Sourced, after lib.sh.
#
#   subject TITLE PLACEMENT SERVERS SIDE SIDE [floor]    begins a table
#   row NAME FIGURES HOW [ARGUMENT...]                   a row of it
#
# SERVERS is "shared", if one server of each side serves all rows of the table, or "own", if HOW starts them. HOW SIDE
# ARGUMENT... prints "figure|value" lines for one side. It is a subshell with -e, so that a row has failed if anything in
# it did, and servers of its own end with it. With status 77 the row is skipped, for the reason that HOW printed.
#
# FIGURES names those to be shown, each with its goal and its far goal if there are any: "CPU ns <=0.6x <=0.5x, per s >=1x".
# With an x the goal is one for the ratio of the second side to the first.

title="" servers=shared sides=() rounds_at_most="" heading_due="" status=0 failed_rows=0
results=$work/results.md missed=$work/missed commands=$work/commands
touch "$missed" "$commands"

print() { echo "$*"; [[ -n $list ]] || echo "$*" >>"$results"; }

is_wanted() { [[ -z $only || $1 == *"$only"* || $title == *"$only"* ]]; }

subject() {  # title, placement, servers, sides
  end_subject
  title=$1 placement=$2 servers=$3 sides=("${@:4}") rounds_at_most="" heading_due=yes
}
print_heading() {
  local third=${sides[2]:-}
  print; print "## $title"; print
  print "| | figure | ${label[${sides[0]}]} | ${label[${sides[1]}]} |${third:+ ${label[$third]} |} ratio | from, to | goal | met |"
  print "|---|---|---|---|${third:+---|}---|---|---|---|"
  heading_due=""
}
end_subject() {
  stop_all
  [[ -s $commands ]] || return 0
  print; print '```'; print "$(cat "$commands")"; print '```'
  : >"$commands"
}

row() {  # name, figures, how, arguments
  is_wanted "$1" || return 0
  if [[ -n $list ]]; then echo "$title: $1"; return; fi
  [[ -z $heading_due ]] || print_heading
  rm -f "$work/command"
  measure_rounds "${@:3}"
  case $status in
    0) print_figures "$1" "$2" ;;
    77) print "| $1 | not measured: $(cat "$work/figures") |" ;;
    *) row_failed "$1" ;;
  esac
  [[ ! -s $work/command ]] || echo "$1: $(cat "$work/command")" >>"$commands"
}
row_failed() {  # name
  print "| $1 | failed |"
  tail -n 5 "$work"/*.log >&2
  failed_rows=$((failed_rows + 1))
}

# Leaves "side|figure|value" lines in the file rounds, and how it went in status.
measure_rounds() {  # how, arguments
  local round side count=$rounds
  [[ -z $rounds_at_most || $rounds_at_most -gt $rounds ]] || count=$rounds_at_most
  : >"$work/rounds"
  for ((round = 0; round < count; ++round)); do
    for side in "${sides[@]}"; do
      measure_once "$side" "$@"
      [[ $status == 0 ]] || return 0
      sed "s/^/$side|/" "$work/figures" >>"$work/rounds"
    done
  done
}
# Nothing on the way to here may be part of a condition: bash would ignore -e in all that is called.
measure_once() {  # side, how, arguments
  [[ $servers == own ]] || is_running "$1" || start "$1"
  set +e
  (
    set -e
    [[ $servers != own ]] || trap stop_all EXIT
    "$2" "$1" "${@:3}"
  ) >"$work/figures"
  status=$?
  set -e
}

print_figures() {  # name, figures
  local lines
  if lines=$(awk -F'|' -v name="$1" -v figures="$2" -v sides="${sides[*]}" -v missed="$missed" -f bench/figures.awk "$work/rounds"); then
    print "$lines"
  else
    row_failed "$1"
  fi
}

# ---- the whole

print_setting() {
  [[ -z $list ]] || return 0
  local hypervisor="" scale=""
  [[ $factor == 1 ]] || scale=", with $factor of the usual number of requests"
  ! grep -q '^flags.* hypervisor' /proc/cpuinfo || hypervisor="a virtual machine, "
  print "# Millrace beside redis-server"
  print
  print "Written by \`bench/compare.sh\`, which says how to read it. Medians of up to $rounds rounds, A B A B$scale."
  print
  print "- ${hypervisor}$(nproc) processors ($(uname -m)), $(awk '/MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GB, Linux $(uname -r | sed 's/[^0-9.].*//')"
  print "- redis-server $(redis-server --version | sed -E 's/.*v=([^ ]+).*/\1/'); $("$build/millrace-server" --version), commit $(git describe --always --dirty 2>/dev/null || echo unknown)"
  print "- Millrace on $cores core(s) where nothing else is said; files on $(df --output=fstype "$dir" | tail -1)"
  print "- $(date -u +%F)"
}

finish() {
  end_subject
  [[ -z $list ]] || return 0
  [[ -n $smoke || ! -s $missed ]] || print_missed
  print
  print "$((SECONDS / 60)) min $((SECONDS % 60)) s."
  if [[ -n $write || (-z $only && -z $smoke) ]]; then cp "$results" bench/RESULTS.md; fi
  [[ $failed_rows == 0 ]] || die "$failed_rows row(s) failed."
}
# bench/notes.txt has lines "row | note".
print_missed() {
  print; print "## Goals that were missed"; print
  print "$(awk -F' *[|] *' '
    FNR == NR { if (!/^#/) note[$1] = $2; next }
    { print "- " $1 ", " $2 ": " $3 (note[$1] != "" ? ". " note[$1] : "") }' bench/notes.txt "$missed")"
}
