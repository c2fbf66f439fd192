#!/usr/bin/env bash
# The rules of form that a program can check, on the sources themselves:  tests/tidy/check.sh <directory>
#
# Each check prints the offending places, one per line; the exit status is 1 if there are any. canary_test.sh runs the
# same checks on a sample that breaks every rule, so that a check which finds nothing any more does not go unnoticed.
set -uo pipefail
cd "$1"

kLinesMax=600
pure_rooms=(resp streams persistence src/settings src/pubsub src/keyspace src/commands)
failures=0

# Prints what it reads, if anything, under the name of the rule.
report() {
  local places
  places=$(cat)
  [[ -z $places ]] && return
  printf '%s:\n%s\n' "$1" "$places"
  failures=$((failures + 1))
}

# Every source file below the given directories (those that exist), one per line.
sources() {
  local directory
  for directory in "$@"; do
    [[ -d $directory ]] && find "$directory" -name '*.cc' -o -name '*.h'
  done | sort
}

# Places that match an extended regular expression, in the files read from standard input.
matches() { xargs -r grep -HnE -- "$1"; }

# Lines without what follows "//", for rules about code rather than prose.
code_matches() { matches "^([^/]|/[^/])*($1)"; }

long_files() { xargs -r wc -l | awk -v max="$kLinesMax" '$2 != "total" && $1 > max { print $2 ": " $1 " lines" }'; }

files_without_opening_comment() {
  while read -r file; do
    [[ $(head -c 2 "$file") == "//" ]] || echo "$file"
  done
}

# Commands the README types at the prompt that have no row in a command table. The first word counts: a row of a
# subcommand is named without its container.
unknown_readme_commands() {
  [[ -f README.md ]] || return
  sed -nE 's/^> ([A-Z]+).*/\1/p' README.md | sort -u | while read -r command; do
    grep -qiE "(\.name = |[a-z_]\()\"$command\"," src/commands/tables_*.cc || echo "README.md: $command"
  done
}

everything=(src resp streams persistence tests bench examples)

report "no sources here" < <([[ -n $(sources "${everything[@]}") ]] || pwd)
report "more than $kLinesMax lines" < <(sources "${everything[@]}" | long_files)
report "no comment at the top that says what the file is" < <(sources "${everything[@]}" | files_without_opening_comment)
report "thread_local" < <(sources "${everything[@]}" | code_matches '\bthread_local\b')
report "a note of work left to do" < <(sources "${everything[@]}" | matches '\b(TODO|FIXME)\b')
report "a sleeping test" < <(sources tests | grep -v '^tests/support/' | code_matches '\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\(')
report "a header of the system in a room that makes no system call" < <(
  sources "${pure_rooms[@]}" | code_matches '#include <(unistd\.h|fcntl\.h|poll\.h|time\.h|ctime|sys/|netinet/|arpa/|linux/)')
report "a clock or a source of randomness in a room that is handed both" < <(
  sources "${pure_rooms[@]}" | code_matches '(^|[^_.>[:alnum:]])(std::|::)?(time|rand|srand|random|clock|gettimeofday|clock_gettime)\(|_clock::now|random_device')
report "a command of the README that no table knows" < <(unknown_readme_commands)

exit $((failures > 0))
