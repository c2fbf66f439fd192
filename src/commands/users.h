// Users: whom clients may say to be, and what each is allowed (settings/acl_user.h).
//
// A User is immutable; changing one puts another in its place. Each client keeps a reference to its own and looks again
// when the version has moved: so a command of a client that nothing binds costs one comparison (permissions.h). The
// user "default" is always there; who has not logged in is it. Any thread; the lock is taken under all others.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/ref.h"
#include "settings/acl_file.h"
#include "settings/acl_rules.h"
#include "settings/acl_user.h"
#include "settings/settings.h"

namespace millrace::commands {

class CommandTable;

struct User : RefCounted<User> {
  explicit User(settings::AclUser rules_in) : rules(std::move(rules_in)), is_unrestricted(rules.is_unrestricted()) {}

  const settings::AclUser rules;
  const bool is_unrestricted;
};

inline constexpr std::string_view kDefaultUser = "default";

// What a client has said about itself, and what followed. Owned by the client's core, kept by permissions.h.
struct UserSession {
  Ref<const User> user;  // none until the client is looked at for the first time
  bool is_authenticated = false;
  uint64_t seen_version = 0;  // `user` is that of this version
  uint64_t free_version = 0;  // the version at which nothing binds the client; 0: something does
};

class Users {
 public:
  // What a change did to one user; `before` is none where the user is new, `after` where it is gone.
  struct Change {
    Ref<const User> before;
    Ref<const User> after;
  };

  Users(const CommandTable& table, const settings::Settings& settings);

  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  // A client that has not logged in may do nothing else before it does.
  bool default_needs_login() const { return default_needs_login_.load(std::memory_order_relaxed); }

  const settings::AclCatalog& catalog() const { return catalog_; }
  // As the settings now have it.
  settings::AclRules rules() const;

  Ref<const User> find(std::string_view name) const EXCLUDES(mutex_);
  std::vector<Ref<const User>> all() const EXCLUDES(mutex_);  // by name
  // Applies rules to a user, who is made if there is none. All of them, or none: then `error` says why.
  Change set(std::string_view name, std::span<const std::string> rules, std::string& error) EXCLUDES(mutex_);
  // An empty Change if there is no such user. REQUIRES: not the default user.
  Change remove(std::string_view name) EXCLUDES(mutex_);
  // These are all users now; a default user is added if none is among them.
  std::vector<Change> replace(settings::AclUsers users) EXCLUDES(mutex_);
  // requirepass: the one password of the default user, or that any will do.
  void set_default_password(std::string_view password) EXCLUDES(mutex_);

 private:
  using UsersByName = std::map<std::string, Ref<const User>, std::less<>>;

  Change put(settings::AclUser rules) REQUIRES(mutex_);
  void has_changed() REQUIRES(mutex_);

  const settings::Settings& settings_;
  const settings::AclCatalog catalog_;
  // Read for every command: on a cache line apart from what logins write.
  alignas(64) std::atomic<uint64_t> version_{0};
  std::atomic<bool> default_needs_login_{false};
  alignas(64) mutable Mutex mutex_;
  UsersByName users_ GUARDED_BY(mutex_);
};

// The lines of all users as ACL LIST has them.
std::vector<std::string> user_lines(const Users& users);

}  // namespace millrace::commands
