// See users.h.
#include "commands/users.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "commands/command_table.h"

namespace millrace::commands {
namespace {

settings::AclCatalog make_catalog(const CommandTable& table) {
  settings::AclCatalog catalog;
  for (const std::string_view category : all_acl_categories()) catalog.categories.push_back({std::string(category)});
  for (uint32_t index = 0; index < table.count(); ++index) {
    const CommandSpec& spec = table.by_index(index);
    settings::AclCatalog::Command command{spec.full_name, spec.parent != nullptr};
    for (const CommandSpec& subcommand : spec.subcommands) command.subcommands.push_back(subcommand.index);
    catalog.add(std::move(command));
    const std::vector<std::string_view> own = acl_categories(spec);
    for (settings::AclCatalog::Category& category : catalog.categories) {
      if (std::find(own.begin(), own.end(), category.name) != own.end()) category.commands.push_back(index);
    }
  }
  return catalog;
}

// The word for it is newer than Redis 7.0, where nothing stands for what is done anyway.
constexpr uint32_t kSaysSanitizing = 0x00070200;

}  // namespace

Users::Users(const CommandTable& table, const settings::Settings& settings)
    : settings_(settings), catalog_(make_catalog(table)) {
  MutexLock lock(mutex_);
  put(rules().open_default_user());
  has_changed();
}

settings::AclRules Users::rules() const {
  const bool says_sanitizing = settings_.compat_version() >= kSaysSanitizing;
  return {catalog_,
          {.all_channels = settings_.gives_all_channels(),
           .sanitizing = says_sanitizing ? settings::AclSanitizing::kCheck : settings::AclSanitizing::kNotSaid}};
}

Ref<const User> Users::find(std::string_view name) const {
  MutexLock lock(mutex_);
  const auto place = users_.find(name);
  return place == users_.end() ? Ref<const User>() : place->second;
}

std::vector<Ref<const User>> Users::all() const {
  std::vector<Ref<const User>> users;
  MutexLock lock(mutex_);
  for (const auto& [name, user] : users_) users.push_back(user);
  return users;
}

Users::Change Users::set(std::string_view name, std::span<const std::string> words, std::string& error) {
  const settings::AclRules rules = this->rules();
  MutexLock lock(mutex_);
  const auto place = users_.find(name);
  settings::AclUser changed = place == users_.end() ? rules.new_user(name) : place->second->rules;
  for (const std::string& word : words) {
    const std::optional<settings::AclError> wrong = rules.apply(changed, word);
    if (!wrong) continue;
    error = "Error in ACL SETUSER modifier '" + word + "': " + std::string(text_of(*wrong));
    return {};
  }
  Change change = put(std::move(changed));
  has_changed();
  return change;
}

Users::Change Users::remove(std::string_view name) {
  CHECK(name != kDefaultUser);
  MutexLock lock(mutex_);
  const auto place = users_.find(name);
  if (place == users_.end()) return {};
  Change change{std::move(place->second), nullptr};
  users_.erase(place);
  has_changed();
  return change;
}

std::vector<Users::Change> Users::replace(settings::AclUsers users) {
  if (!users.contains(kDefaultUser)) users.emplace(kDefaultUser, rules().open_default_user());
  std::vector<Change> changes;
  MutexLock lock(mutex_);
  UsersByName before;
  before.swap(users_);
  for (auto& [name, rules] : users) {
    Change change = put(std::move(rules));
    const auto place = before.find(name);
    if (place != before.end()) change.before = std::move(place->second);
    if (place != before.end()) before.erase(place);
    changes.push_back(std::move(change));
  }
  for (auto& [name, user] : before) changes.push_back({std::move(user), nullptr});
  has_changed();
  return changes;
}

void Users::set_default_password(std::string_view password) {
  const settings::AclRules rules = this->rules();
  MutexLock lock(mutex_);
  settings::AclUser changed = users_.find(kDefaultUser)->second->rules;
  rules.apply(changed, "resetpass");
  rules.apply(changed, password.empty() ? "nopass" : ">" + std::string(password));
  put(std::move(changed));
  has_changed();
}

Users::Change Users::put(settings::AclUser rules) {
  const std::string name = rules.name;
  Ref<const User>& place = users_[name];
  Change change{place, Ref<User>::make(std::move(rules))};
  place = change.after;
  return change;
}

// Whoever sees the new version finds the new users: it looks under the lock.
void Users::has_changed() {
  const settings::AclUser& user = users_.find(kDefaultUser)->second->rules;
  default_needs_login_.store(!user.takes_any_password || !user.is_on, std::memory_order_relaxed);
  version_.fetch_add(1, std::memory_order_release);
}

std::vector<std::string> user_lines(const Users& users) {
  std::vector<std::string> lines;
  for (const Ref<const User>& user : users.all()) lines.push_back(settings::acl_user_line(user->rules));
  return lines;
}

}  // namespace millrace::commands
