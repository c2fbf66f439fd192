# Sourced by run.sh, test.sh and readme_commands.sh: the Debian packages Millrace needs, and how to build a preset.

BUILD_PACKAGES=(g++ cmake ninja-build pkg-config liburing-dev libjemalloc-dev libxxhash-dev liblzf-dev libssl-dev)
# redis-server is the oracle of the comparison tests, redis-tools (redis-cli, redis-benchmark) are clients under test.
TEST_PACKAGES=(libgtest-dev libgmock-dev libbenchmark-dev libhiredis-dev redis-server redis-tools)
# Clients of other languages, for tests/compat: what cannot be had is done without.
COMPAT_PACKAGES=(python3-redis php-cli php-redis libredis-perl prometheus-redis-exporter)
# For tests/fuzz/run.sh, which is skipped without them.
FUZZ_PACKAGES=(clang-19 libclang-rt-19-dev)

# Those of the named packages that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

# apt_get <arguments>: as root. Services that packages would start are not wanted: the tests start servers of their own.
apt_get() {
  local as_root=()
  [[ $EUID -eq 0 ]] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq "$@" >/dev/null
}

# Installs those of the named packages that are missing.
ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] && return 0
  if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
    echo "These Debian packages are missing: ${missing[*]}" >&2
    echo "Install them as root, or install sudo, and start again." >&2
    return 1
  fi
  echo "Installing missing packages: ${missing[*]}"
  apt_get update
  apt_get install -y --no-install-recommends "${missing[@]}"
}

# Installs those of the named packages that are missing and can be had. Offline, or without the right to install, the tests
# that need them are skipped.
try_packages() {
  local missing package
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] && return 0
  echo "Installing what some tests need: ${missing[*]}"
  local patience=(-o Acquire::Retries=0 -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15)
  apt_get "${patience[@]}" update 2>/dev/null || true
  for package in "${missing[@]}"; do
    apt_get "${patience[@]}" install -y --no-install-recommends "$package" 2>/dev/null ||
      echo "$package cannot be installed: tests that need it are skipped"
  done
}

# The clients that tests/compat runs.
ensure_compat_clients() {
  local wanted=("${COMPAT_PACKAGES[@]}")
  command -v node >/dev/null || wanted+=(nodejs)
  command -v npm >/dev/null || wanted+=(npm)
  try_packages "${wanted[@]}"
  ensure_npm_clients
}

# The npm clients of tests/compat in the versions of its lock file, once for all presets.
ensure_npm_clients() {
  local source=tests/compat/npm target=build/compat
  cmp -s "$source/package-lock.json" "$target/installed.json" && return 0
  command -v npm >/dev/null || return 0
  mkdir -p "$target"
  cp "$source"/package*.json "$target"
  if npm ci --prefix "$target" --ignore-scripts --no-audit --no-fund --fetch-retries 1 >/dev/null 2>&1; then
    cp "$source/package-lock.json" "$target/installed.json"
  else
    echo "npm's packages cannot be installed: tests that need them are skipped"
  fi
}

# build_preset <preset> <target> [cmake options]: configures, as the options may not be those of the last time, and builds.
build_preset() {
  local preset=$1 target=$2 log
  local options=("${@:3}")
  command -v ccache >/dev/null && options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  log=$(cmake --preset "$preset" "${options[@]}" 2>&1) || { echo "$log" >&2; return 1; }
  cmake --build "build/$preset" --target "$target"
}
