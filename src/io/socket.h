// Sockets: making listeners, setting options, and naming the two ends the way Redis prints them. Any thread.
//
// Errors are texts of the form "<call>: <reason>", as Redis logs them ("bind: Address already in use").
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace millrace::io {

using FdOrError = Result<int, std::string>;

struct TcpAddress {
  std::string host;   // an IPv4 or IPv6 address, "*" (all of IPv4) or "::*" (all of IPv6)
  uint16_t port = 0;  // 0: the kernel picks one
};

struct ListenOptions {
  bool reuse_port = false;  // several listeners of one port, one per core
  int backlog = 511;
};

// A non-blocking, close-on-exec listener. IPv6 listeners take IPv6 only, so that "*" and "::*" go together.
FdOrError listen_tcp(const TcpAddress& address, const ListenOptions& options);
// The error if somebody else listens at the address already - which a bind with SO_REUSEPORT would not notice if
// they use it as well. Call it once before the per-core listeners are made.
std::optional<std::string> find_port_conflict(const TcpAddress& address);
// Replaces a stale socket file. `permissions` 0 leaves what the umask gave.
FdOrError listen_unix(const std::string& path, mode_t permissions, int backlog);
// The port a listener got; 0 for other sockets.
uint16_t local_port(int fd);

bool set_no_delay(int fd);
// First probe after `seconds` of silence, then every third of it, three times, as Redis does.
bool set_keepalive(int fd, int seconds);
bool set_blocking(int fd, bool blocking);

// "127.0.0.1:1234", "[::1]:1234", "/path:0" for both ends of a unix socket, "?:0" if there is no name.
std::string peer_name(int fd);
std::string local_name(int fd);
// Whether the other end is on this machine: what protected mode trusts.
bool is_loopback_or_unix(int fd);
bool is_unix(int fd);

}  // namespace millrace::io
