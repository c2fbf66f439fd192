// AclCatalog: what rules of access need to know of the commands there are - names, subcommands, categories, no more.
//
// Whoever has the command table makes one (commands/users.cc). Immutable then. Names are in lower case, a subcommand's
// is "config|get"; an index is its command's place in `commands` and in every CommandSet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/letters.h"

namespace millrace::settings {

inline std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

class CommandSet {
 public:
  CommandSet() = default;
  explicit CommandSet(size_t size) : size_(size), words_((size + 63) / 64) {}

  bool contains(uint32_t index) const { return (words_[index / 64] >> (index % 64) & 1) != 0; }
  bool is_full() const { return count() == size_; }
  size_t count() const;
  void set(uint32_t index, bool is_in) {
    const uint64_t bit = 1ull << (index % 64);
    is_in ? words_[index / 64] |= bit : words_[index / 64] &= ~bit;
  }
  void set_all(bool are_in) {
    for (uint32_t index = 0; index < size_; ++index) set(index, are_in);
  }

  friend bool operator==(const CommandSet&, const CommandSet&) = default;

 private:
  size_t size_ = 0;
  std::vector<uint64_t> words_;
};

inline size_t CommandSet::count() const {
  size_t found = 0;
  for (uint32_t index = 0; index < size_; ++index) found += contains(index) ? 1 : 0;
  return found;
}

struct AclCatalog {
  struct Command {
    std::string name;
    bool is_subcommand = false;
    std::vector<uint32_t> subcommands = {};
  };
  struct Category {
    std::string name;
    std::vector<uint32_t> commands = {};
  };

  std::vector<Command> commands;
  std::map<std::string, uint32_t, std::less<>> indices;  // by name
  std::vector<Category> categories;                      // in the order of ACL CAT

  void add(Command command) {
    indices.emplace(command.name, static_cast<uint32_t>(commands.size()));
    commands.push_back(std::move(command));
  }
  // Any case.
  std::optional<uint32_t> find(std::string_view name) const {
    const auto place = indices.find(lower_case(name));
    if (place == indices.end()) return std::nullopt;
    return place->second;
  }
  const Category* find_category(std::string_view name) const {
    const auto place = std::find_if(categories.begin(), categories.end(),
                                    [name](const Category& each) { return same_word(each.name, name); });
    return place == categories.end() ? nullptr : &*place;
  }
};

}  // namespace millrace::settings
