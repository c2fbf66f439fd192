// See clients.h.
#include "compat/clients.h"

namespace millrace::test {
namespace {

// Both npm libraries want Node.js 20.
std::string has_npm_package(const std::string& package) {
  return "node -e 'require(\"" + package + "\"); process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'";
}

const CompatClient kClients[] = {
    {.name = "redis_cli",
     .command = "bash redis_cli.sh",
     .probe = "command -v redis-cli",
     .needs = "Debian's redis-tools",
     .has_resp3 = true,
     .recorded = "connect"},
    {.name = "redis_benchmark",
     .command = "bash redis_benchmark.sh",
     .probe = "command -v redis-benchmark",
     .needs = "Debian's redis-tools",
     .has_resp3 = true,
     .recorded = "connect"},
    {.name = "node_redis",
     .command = "node node_redis.js",
     .probe = has_npm_package("redis"),
     .needs = "Node.js 20 and npm's redis",
     .has_resp3 = true,
     .recorded = "connect"},
    {.name = "ioredis",
     .command = "node ioredis.js",
     .probe = has_npm_package("ioredis"),
     .needs = "Node.js 20 and npm's ioredis",
     .has_resp3 = true,
     .recorded = "connect"},
    {.name = "socket_io",
     .command = "node socket_io.js",
     .probe = has_npm_package("@socket.io/redis-streams-adapter"),
     .needs = "Node.js 20 and npm's @socket.io/redis-streams-adapter",
     .has_resp3 = true,
     .recorded = "connect"},
    {.name = "redis_py",
     .command = "/usr/bin/python3 redis_py.py",
     .probe = "/usr/bin/python3 -c 'import redis'",
     .needs = "Debian's python3-redis",
     .has_resp3 = false,
     .recorded = "connect"},
    {.name = "phpredis",
     .command = "php phpredis.php",
     .probe = "php -r 'exit(extension_loaded(\"redis\") ? 0 : 1);'",
     .needs = "Debian's php-cli and php-redis",
     .has_resp3 = false,
     .recorded = "connect"},
    {.name = "perl_redis",
     .command = "perl perl_redis.pl",
     .probe = "perl -MRedis -e 1",
     .needs = "Debian's libredis-perl",
     .has_resp3 = false,
     .recorded = "connect"},
    {.name = "redis_exporter",
     .command = "bash redis_exporter.sh",
     .probe = "command -v prometheus-redis-exporter",
     .needs = "Debian's prometheus-redis-exporter",
     .has_resp3 = false,
     .prepared = "fill",
     .recorded = "without_errors"},
};

}  // namespace

std::span<const CompatClient> compat_clients() {
  return kClients;
}

}  // namespace millrace::test
