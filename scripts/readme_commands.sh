#!/usr/bin/env bash
# Brings the README's table of commands up to date with the command table.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset dev >/dev/null
cmake --build build/dev --target readme_commands
build/dev/tests/readme_commands README.md tests/readme_commands/redis_commands.txt
