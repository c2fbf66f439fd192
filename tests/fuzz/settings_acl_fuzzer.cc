// Feeds arbitrary bytes to the parser of access rules, as an ACL file and as the rules of one user. Whatever is
// accepted must make the same users again from the lines it is printed as, in a file and in redis.conf, and a rule that
// is wrong changes nothing.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/split_args.h"
#include "settings/acl_file.h"
#include "settings/acl_rules.h"
#include "support/acl_catalog.h"

namespace {

namespace settings = millrace::settings;

std::string file_of(const settings::AclUsers& users) {
  std::string text;
  for (const auto& [name, user] : users) text += settings::acl_user_line(user) + "\n";
  return text;
}

void read_as_file(std::string_view text, const settings::AclRules& rules) {
  const settings::AclFileContent first = settings::read_acl_file(text, "fuzz.acl", rules);
  if (!first.errors.empty()) return;
  const settings::AclFileContent again = settings::read_acl_file(file_of(first.users), "fuzz.acl", rules);
  CHECK(again.errors.empty());
  CHECK(file_of(again.users) == file_of(first.users));
}

void read_as_configured(const settings::AclUser& user, const settings::AclRules& rules) {
  const auto words = millrace::split_args(settings::configured_user_line(user));
  CHECK(words);
  settings::AclUsers users;
  CHECK(!settings::add_configured_user(std::span(*words).subspan(1), rules, users));
  CHECK(file_of(users) == settings::acl_user_line(user) + "\n");
}

// Rules are separated by line breaks, so that blanks reach the parser.
void apply_to_user(std::string_view text, const settings::AclRules& rules) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    words.push_back(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), words.back().size() + 1));
  }
  settings::AclUser user = rules.new_user("u");
  for (const std::string& rule : settings::join_selectors(words).rules) {
    const std::string before = settings::acl_user_line(user);
    if (const auto error = rules.apply(user, rule)) {
      CHECK(!settings::text_of(*error).empty());
      CHECK(settings::acl_user_line(user) == before);
    }
  }
  read_as_file(settings::acl_user_line(user), rules);
  read_as_configured(user, rules);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const settings::AclCatalog catalog = millrace::test::small_acl_catalog();
  const settings::AclRules rules(catalog, {.all_channels = size % 2 == 0});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_as_file(text, rules);
  apply_to_user(text, rules);
  return 0;
}
