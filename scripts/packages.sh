# Sourced by run.sh and test.sh: the Debian packages Millrace needs, and how to build a preset.

BUILD_PACKAGES=(g++ cmake ninja-build pkg-config liburing-dev libjemalloc-dev libxxhash-dev liblzf-dev)
# redis-server is the oracle of the comparison tests, redis-tools (redis-cli, redis-benchmark) are clients under test.
TEST_PACKAGES=(libgtest-dev libgmock-dev libbenchmark-dev libhiredis-dev redis-server redis-tools)

# Installs those of the named packages that are missing.
ensure_packages() {
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return 0

  local as_root=()
  if [[ $EUID -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      echo "These Debian packages are missing: ${missing[*]}" >&2
      echo "Install them as root, or install sudo, and start again." >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing missing packages: ${missing[*]}"
  # The tests start servers of their own: a service that the redis-server package would start is not wanted.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# build_preset <preset> <target> [cmake options]: configures when needed, then builds.
build_preset() {
  local preset=$1 target=$2 log
  local options=("${@:3}")
  command -v ccache >/dev/null && options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  if [[ ! -f build/$preset/build.ninja ]]; then
    log=$(cmake --preset "$preset" "${options[@]}" 2>&1) || { echo "$log" >&2; return 1; }
  fi
  cmake --build "build/$preset" --target "$target"
}
