// See listeners.h.
#include "process/listeners.h"

#include <unistd.h>

#include <utility>

#include "io/socket.h"
#include "io/system_clock.h"

namespace millrace::process {
namespace {

constexpr int64_t kPatienceNs = 1'000'000'000;
constexpr int64_t kLookNs = 20'000'000;

bool is_in_use(const std::string& error) {
  return error.find("in use") != std::string::npos;
}

// Tries `open`, which returns an error or "", for a second while the address is in use: the kernel takes the rings of a
// killed server apart, and the listening sockets in them, a moment after the process is gone.
template <typename Open>
std::string open_patiently(Open open) {
  const int64_t deadline_ns = io::monotonic_now_ns() + kPatienceNs;
  std::string error = open();
  while (is_in_use(error) && io::monotonic_now_ns() < deadline_ns) {
    io::sleep_ns(kLookNs);
    error = open();
  }
  return error;
}

}  // namespace

Listeners::Listeners(Listeners&& other) noexcept
    : by_core_(std::move(other.by_core_)),
      all_(std::exchange(other.all_, {})),
      unix_path_(std::exchange(other.unix_path_, {})) {}

Listeners::~Listeners() {
  for (int fd : all_) ::close(fd);
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Result<Listeners, std::string> Listeners::open(const settings::Settings& settings, size_t core_count, Log& log) {
  Listeners listeners;
  listeners.by_core_.resize(core_count);
  const auto port = static_cast<uint16_t>(settings.port.load());
  const int backlog = static_cast<int>(settings.tcp_backlog.load());
  if (port != 0) {
    std::vector<std::string> hosts = settings.bind();
    if (hosts.empty()) hosts = {"*", "-::*"};
    for (const std::string& entry : hosts) {
      const bool optional = entry.starts_with('-');
      const std::string host = optional ? entry.substr(1) : entry;
      const std::string error = open_patiently([&] { return listeners.open_address(host, port, backlog); });
      if (error.empty()) continue;
      const std::string line = "Could not listen on " + host + " port " + std::to_string(port) + ": " + error;
      // An optional address may be one this machine does not have; a port in use is a conflict all the same.
      if (!optional || is_in_use(error)) return line;
      log.verbose(line);
    }
  }
  if (const std::string path = settings.unixsocket(); !path.empty()) {
    const auto permissions = static_cast<unsigned>(settings.unixsocketperm.load());
    const std::string error = open_patiently([&] { return listeners.open_unix(path, permissions, backlog); });
    if (!error.empty()) return "Could not listen on unix socket " + path + ": " + error;
  }
  if (listeners.all_.empty()) return std::string("Nothing to listen on: set a port or a unixsocket");
  return listeners;
}

std::string Listeners::open_address(const std::string& host, uint16_t port, int backlog) {
  if (const auto conflict = io::find_port_conflict({host, port})) return *conflict;
  for (std::vector<int>& fds : by_core_) {
    const io::FdOrError fd = io::listen_tcp({host, port}, {.reuse_port = true, .backlog = backlog});
    if (!fd) return fd.error();
    fds.push_back(*fd);
    all_.push_back(*fd);
  }
  return "";
}

std::string Listeners::open_unix(const std::string& path, unsigned permissions, int backlog) {
  const io::FdOrError fd = io::listen_unix(path, permissions, backlog);
  if (!fd) return fd.error();
  for (std::vector<int>& fds : by_core_) fds.push_back(*fd);
  all_.push_back(*fd);
  unix_path_ = path;
  return "";
}

}  // namespace millrace::process
