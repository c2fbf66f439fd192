// See socket.h.
#include "io/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace millrace::io {
namespace {

// A socket address of any family, with its size.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  sa_family_t family() const { return storage.ss_family; }
  sockaddr_in& v4() { return reinterpret_cast<sockaddr_in&>(storage); }
  sockaddr_in6& v6() { return reinterpret_cast<sockaddr_in6&>(storage); }
  sockaddr_un& unix_path() { return reinterpret_cast<sockaddr_un&>(storage); }
};

std::string error_text(const char* call) {
  return std::string(call) + ": " + std::strerror(errno);
}

FdOrError close_with_error(int fd, const char* call) {
  std::string text = error_text(call);
  ::close(fd);
  return text;
}

bool set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

std::optional<Address> parse_address(const TcpAddress& text) {
  Address address;
  const char* host = text.host == "*" ? "0.0.0.0" : text.host == "::*" ? "::" : text.host.c_str();
  if (inet_pton(AF_INET, host, &address.v4().sin_addr) == 1) {
    address.v4().sin_family = AF_INET;
    address.v4().sin_port = htons(text.port);
    address.size = sizeof(sockaddr_in);
    return address;
  }
  if (inet_pton(AF_INET6, host, &address.v6().sin6_addr) == 1) {
    address.v6().sin6_family = AF_INET6;
    address.v6().sin6_port = htons(text.port);
    address.size = sizeof(sockaddr_in6);
    return address;
  }
  return std::nullopt;
}

FdOrError bind_tcp(const TcpAddress& text, bool reuse_port) {
  std::optional<Address> address = parse_address(text);
  if (!address) return "not an IP address: " + text.host;
  const int fd = socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return error_text("socket");
  if (address->family() == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
    return close_with_error(fd, "setsockopt IPV6_V6ONLY");
  }
  if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return close_with_error(fd, "setsockopt SO_REUSEADDR");
  if (reuse_port && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
    return close_with_error(fd, "setsockopt SO_REUSEPORT");
  }
  if (bind(fd, address->get(), address->size) != 0) return close_with_error(fd, "bind");
  return fd;
}

std::optional<Address> name_of(int fd, int (*get_name)(int, sockaddr*, socklen_t*)) {
  Address address;
  if (get_name(fd, address.get(), &address.size) != 0) return std::nullopt;
  return address;
}

std::string unix_path_of(Address& address) {
  const char* path = address.unix_path().sun_path;
  const size_t size_max =
      address.size > offsetof(sockaddr_un, sun_path) ? address.size - offsetof(sockaddr_un, sun_path) : 0;
  return std::string(path, strnlen(path, size_max));
}

std::string format_name(std::optional<Address> address, int fd) {
  if (!address) return "?:0";
  char text[INET6_ADDRSTRLEN];
  switch (address->family()) {
    case AF_INET:
      inet_ntop(AF_INET, &address->v4().sin_addr, text, sizeof text);
      return std::string(text) + ":" + std::to_string(ntohs(address->v4().sin_port));
    case AF_INET6:
      inet_ntop(AF_INET6, &address->v6().sin6_addr, text, sizeof text);
      return "[" + std::string(text) + "]:" + std::to_string(ntohs(address->v6().sin6_port));
    case AF_UNIX: {
      // The client's end has no name: both ends go by the listener's path.
      std::optional<Address> own = name_of(fd, getsockname);
      return (own ? unix_path_of(*own) : "") + ":0";
    }
    default:
      return "?:0";
  }
}

bool is_live_unix_listener(Address& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const bool is_live = connect(fd, address.get(), address.size) == 0 || errno == EAGAIN;
  ::close(fd);
  return is_live;
}

// Only a socket nobody listens on is removed: never a file of another kind that a mistyped path names.
void remove_stale_socket(const std::string& path, Address& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  if (!is_live_unix_listener(address)) unlink(path.c_str());
}

}  // namespace

FdOrError listen_tcp(const TcpAddress& address, const ListenOptions& options) {
  FdOrError bound = bind_tcp(address, options.reuse_port);
  if (bound && listen(*bound, options.backlog) != 0) return close_with_error(*bound, "listen");
  return bound;
}

std::optional<std::string> find_port_conflict(const TcpAddress& address) {
  if (address.port == 0) return std::nullopt;
  // Bound but not listening ports of the other side do not count as taken for a socket with SO_REUSEADDR; listening
  // ones do.
  const FdOrError bound = bind_tcp(address, false);
  if (!bound) return bound.error();
  ::close(*bound);
  return std::nullopt;
}

FdOrError listen_unix(const std::string& path, mode_t permissions, int backlog) {
  Address address;
  address.unix_path().sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.unix_path().sun_path) {
    return "bind: a unix socket path has between 1 and " + std::to_string(sizeof address.unix_path().sun_path - 1) +
           " bytes";
  }
  std::copy(path.begin(), path.end(), address.unix_path().sun_path);
  address.size = sizeof(sockaddr_un);
  remove_stale_socket(path, address);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return error_text("socket");
  if (bind(fd, address.get(), address.size) != 0) return close_with_error(fd, "bind");
  if (permissions != 0 && chmod(path.c_str(), permissions) != 0) return close_with_error(fd, "chmod");
  if (listen(fd, backlog) != 0) return close_with_error(fd, "listen");
  return fd;
}

uint16_t local_port(int fd) {
  std::optional<Address> address = name_of(fd, getsockname);
  if (!address) return 0;
  if (address->family() == AF_INET) return ntohs(address->v4().sin_port);
  return address->family() == AF_INET6 ? ntohs(address->v6().sin6_port) : uint16_t{0};
}

bool set_no_delay(int fd) {
  return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

bool set_keepalive(int fd, int seconds) {
  return set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) && set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds) &&
         set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, seconds / 3)) &&
         set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

bool set_blocking(int fd, bool blocking) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return false;
  const int wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  return wanted == flags || fcntl(fd, F_SETFL, wanted) == 0;
}

std::string peer_name(int fd) {
  return format_name(name_of(fd, getpeername), fd);
}

std::string local_name(int fd) {
  return format_name(name_of(fd, getsockname), fd);
}

bool is_loopback_or_unix(int fd) {
  std::optional<Address> peer = name_of(fd, getpeername);
  if (!peer) return false;
  if (peer->family() == AF_UNIX) return true;
  if (peer->family() == AF_INET) return ntohl(peer->v4().sin_addr.s_addr) >> 24 == 127;
  return peer->family() == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&peer->v6().sin6_addr);
}

bool is_unix(int fd) {
  const std::optional<Address> peer = name_of(fd, getpeername);
  return peer && peer->family() == AF_UNIX;
}

}  // namespace millrace::io
