// Listeners: the listening sockets of all cores, made from the settings before the first core runs.
//
// Each core gets its own socket per address (SO_REUSEPORT), so the kernel deals connections out; the unix socket is one
// file, so all cores accept from one descriptor. Used by main only.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "settings/settings.h"

namespace millrace::process {

class Listeners {
 public:
  Listeners() = default;
  ~Listeners();
  Listeners(Listeners&& other) noexcept;
  Listeners& operator=(Listeners&&) = delete;

  // The error is one line that names the address and the reason.
  static Result<Listeners, std::string> open(const settings::Settings& settings, size_t core_count, Log& log);

  const std::vector<int>& of_core(size_t core) const { return by_core_[core]; }

 private:
  std::string open_address(const std::string& host, uint16_t port, int backlog);
  std::string open_unix(const std::string& path, unsigned permissions, int backlog);

  std::vector<std::vector<int>> by_core_;
  std::vector<int> all_;
  std::string unix_path_;
};

}  // namespace millrace::process
