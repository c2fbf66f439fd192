// See user_clients.h.
#include "commands/user_clients.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "settings/acl_check.h"

namespace millrace::commands {
namespace {

// All channels a user may listen to, whichever selector says so.
class Listening {
 public:
  explicit Listening(const User& user) {
    for (const settings::AclSelector& selector : user.rules.selectors) {
      all_ = all_ || selector.all_channels;
      rules_.insert(rules_.end(), selector.channels.begin(), selector.channels.end());
    }
  }

  bool covers(const Listening& other) const {
    if (all_) return true;
    return !other.all_ && std::all_of(other.rules_.begin(), other.rules_.end(), [this](const std::string& rule) {
      return std::find(rules_.begin(), rules_.end(), rule) != rules_.end();
    });
  }
  bool allows(pubsub::Kind kind, std::string_view name) const {
    return all_ || settings::is_channel_allowed(rules_, name, kind == pubsub::Kind::kPattern);
  }

 private:
  bool all_ = false;
  std::vector<std::string> rules_;
};

std::vector<Ref<Client>> clients_of(const Server& server, const std::string& user) {
  std::vector<Ref<Client>> clients = server.clients.all();
  std::erase_if(clients, [&](const Ref<Client>& client) { return client->names().user != user; });
  return clients;
}

// Who begins to listen at this moment finds out for itself (Permissions::is_forbidden_since).
std::vector<Ref<Client>> forbidden_listeners(const Server& server, const std::string& user, const Listening& allowed) {
  std::set<uint64_t> seen;
  std::vector<Ref<Client>> found;
  for (const auto kind : {pubsub::Kind::kChannel, pubsub::Kind::kPattern, pubsub::Kind::kShardChannel}) {
    server.broker.for_each_listener(kind, [&](std::string_view name, pubsub::Subscriber& subscriber) {
      if (allowed.allows(kind, name)) return;
      auto& client = static_cast<Client&>(subscriber);
      if (client.names().user == user && seen.insert(client.fixed.id).second) found.emplace_back(&client);
    });
  }
  return found;
}

}  // namespace

void apply_to_clients(CommandContext& context, const Users::Change& change) {
  if (!change.before) return;
  const std::string& name = change.before->rules.name;
  std::vector<Ref<Client>> losing;
  if (!change.after) {
    losing = clients_of(context.server, name);
  } else if (const Listening allowed(*change.after); !allowed.covers(Listening(*change.before))) {
    losing = forbidden_listeners(context.server, name, allowed);
  }
  for (const Ref<Client>& client : losing) context.host.kill(*client, client.get() == &context.client);
}

}  // namespace millrace::commands
