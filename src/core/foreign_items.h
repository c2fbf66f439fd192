// ForeignItems: what a file holds that this server does not have, by kind and with a few names, for one line of text.
// One owner.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace millrace::core {

class ForeignItems {
 public:
  void add(std::string_view kind, std::string_view name) {
    auto place = kinds_.find(kind);
    if (place == kinds_.end()) place = kinds_.emplace(kinds_.size() < kKindsMax ? kind : "other", Kind{}).first;
    Kind& found = place->second;
    if (++found.count <= kNamesMax && !name.empty()) found.names.append(found.names.empty() ? "" : ", ").append(name);
    ++total_;
  }
  uint64_t total() const { return total_; }
  // "2 hash (a, b), 4 list (c, d, e, ...)"
  std::string text() const {
    std::string out;
    for (const auto& [name, kind] : kinds_) {
      out.append(out.empty() ? "" : ", ").append(std::to_string(kind.count)).append(" ").append(name);
      if (kind.names.empty()) continue;
      out.append(" (").append(kind.names).append(kind.count > kNamesMax ? ", ...)" : ")");
    }
    return out;
  }

 private:
  static constexpr size_t kNamesMax = 3;  // named as examples for each kind
  static constexpr size_t kKindsMax = 50;

  struct Kind {
    uint64_t count = 0;
    std::string names;
  };
  std::map<std::string, Kind, std::less<>> kinds_;
  uint64_t total_ = 0;
};

}  // namespace millrace::core
