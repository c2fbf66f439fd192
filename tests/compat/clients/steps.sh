# Sourced by the clients that are shell scripts: the steps of ../README.md are run in order, or those named in "$@".
set -euo pipefail

scratch=$(mktemp -d)
background=() # processes that go with the script
trap 'kill "${background[@]}" 2>/dev/null || true; rm -rf "$scratch"' EXIT

key() { printf '%s%s' "$COMPAT_PREFIX" "$1"; }

# redis-cli as the client of the moment; RESP3 if that is the turn.
cli_words=(redis-cli --no-auth-warning -u "redis://default:$REDIS_PASSWORD@$REDIS_HOST:$REDIS_PORT/$REDIS_DB")
[[ $REDIS_PROTOCOL == 2 ]] || cli_words+=(-3)
cli() { "${cli_words[@]}" "$@"; }

# The elements of a reply, one a line: at RESP3 redis-cli prints a map's key and value on the same line.
elements() { cli "$@" | tr -s ' \t' '\n\n'; }
ids() { grep -xE '[0-9]+-[0-9]+' || true; }

die() {
  printf '%s (line %s)\n' "$1" "${BASH_LINENO[1]}" >&2
  exit 1
}
expect() { [[ $2 == "$1" ]] || die "expected '$1', not '$2'"; }
expect_match() { [[ $2 =~ $1 ]] || die "expected something like '$1', not '$2'"; }

# Waits until the command succeeds.
wait_for() { until "$@"; do sleep 0.01; done; }

run_steps() {
  local step chosen=("${@:2}")
  for step in $1; do
    [[ ${#chosen[@]} -gt 0 && " ${chosen[*]} " != *" $step "* ]] && continue
    "$step"
    echo "  ok $step"
  done
}
