#!/usr/bin/env bash
# Brings the README's table of commands up to date with the command table.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/packages.sh
build_preset dev readme_commands
build/dev/tests/readme_commands README.md tests/readme_commands/redis_commands.txt
