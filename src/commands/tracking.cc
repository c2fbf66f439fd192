// See tracking.h.
#include "commands/tracking.h"

#include <optional>
#include <set>
#include <utility>

#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/server.h"

namespace millrace::commands {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// The channel that clients speaking RESP2 listen to.
constexpr std::string_view kChannel = "__redis__:invalidate";
// A turn that changes more keys than this tells of them before it ends.
constexpr size_t kCollectedKeysMax = 4096;
// How many keys a command, besides as many as it adds, and a turn drop from a table beyond its limit.
constexpr size_t kEvictedPerCommandMax = 4;
constexpr size_t kEvictedPerTurnMax = 100;

uint64_t memory_of(const std::set<std::string>& prefixes) {
  constexpr uint64_t kNodeBytes = sizeof(std::string) + 4 * sizeof(void*);
  uint64_t bytes = 0;
  for (const std::string& prefix : prefixes) bytes += kNodeBytes + prefix.size();
  return bytes;
}

// "These keys are not what they were"; without keys, all of them. To a client that speaks RESP2 it has the form of a
// published message, or none: it has to come by a redirection, to a client that listens to something.
//
//   RESP3   > invalidate [key ...]
//   RESP2   * message __redis__:invalidate [key ...]
class InvalidationMessage final : public resp::PushMessage {
 public:
  InvalidationMessage(const std::optional<std::vector<std::string_view>>& keys, bool has_resp2_form)
      : keys_(keys), has_resp2_form_(has_resp2_form) {}

 private:
  bool is_for_listeners() const override { return true; }
  void write(resp::ReplyWriter& writer) const override {
    if (!writer.is_resp3() && !has_resp2_form_) return;
    writer.push(writer.is_resp3() ? 2 : 3);
    writer.bulk(writer.is_resp3() ? "invalidate" : "message");
    if (!writer.is_resp3()) writer.bulk(kChannel);
    if (!keys_) return writer.null();
    writer.array(static_cast<int64_t>(keys_->size()));
    for (const std::string_view key : *keys_) writer.bulk(key);
  }

  const std::optional<std::vector<std::string_view>>& keys_;
  const bool has_resp2_form_;
};

// "The client your messages were to go to is not there": RESP3 only.
class BrokenRedirectMessage final : public resp::PushMessage {
 public:
  explicit BrokenRedirectMessage(uint64_t target) : target_(target) {}

 private:
  void write(resp::ReplyWriter& writer) const override {
    if (!writer.is_resp3()) return;
    writer.push(2);
    writer.bulk("tracking-redir-broken");
    writer.integer(static_cast<int64_t>(target_));
  }

  const uint64_t target_;
};

constexpr uint64_t kNobody = 0;  // no client has this id

// All keys, or all but those that one client changed last.
std::vector<std::string_view> keys_of(std::span<const Tracking::Change> changes,
                                      std::optional<uint64_t> left_out = {}) {
  std::vector<std::string_view> keys;
  keys.reserve(changes.size());
  for (const Tracking::Change& change : changes) {
    if (change.writer != left_out) keys.push_back(change.key);
  }
  return keys;
}

bool is_client_command(const CommandSpec* spec) {
  constexpr std::string_view kClient = "client";
  return spec != nullptr && (spec->name == kClient || (spec->parent != nullptr && spec->parent->name == kClient));
}

}  // namespace

// One change, in the forms in which clients may get it. The keys' bytes are the caller's.
class Invalidation {
 public:
  Invalidation() = default;  // of all keys
  explicit Invalidation(std::vector<std::string_view> keys) : keys_(std::move(keys)) {}
  Invalidation(const Invalidation&) = delete;
  Invalidation& operator=(const Invalidation&) = delete;

  resp::PushMessage& plain() { return plain_; }
  resp::PushMessage& published() { return published_; }

 private:
  const std::optional<std::vector<std::string_view>> keys_;
  InvalidationMessage plain_{keys_, false};
  InvalidationMessage published_{keys_, true};
};

Tracking::Tracking(const ClientRegistry& clients, const settings::Settings& settings, int core_count,
                   uint64_t hash_seed)
    : clients_(clients), settings_(settings), table_(hash_seed) {
  for (int core = 0; core < core_count; ++core) {
    shares_.push_back(std::make_unique<CoreShare>(hash_seed + static_cast<uint64_t>(core)));
  }
}

Tracking::CoreShare& Tracking::share_of(const Host& host) {
  return *shares_[host.core_index()];
}

// ---- what commands did

// What was read is remembered after the changes are told: a read that found its key expired holds "there is nothing",
// and is told when there is something again.
void Tracking::tell_and_remember(const CommandSpec& spec, Client& client, std::span<const std::string_view> args,
                                 keyspace::KeyEvents& events, Host& host) {
  if (events.was_flushed) tell_of_flush(host);
  invalidate(events, &client, host);
  // What a command that only reads has changed was expired, and that is nobody's doing.
  collect(events, (spec.flags & kWrite) != 0 ? client.fixed.id : kNobody, host);
  if (!client.card.tracking.has(kTrackingOn)) return;
  if ((spec.flags & kReadonly) != 0 && (spec.flags & kPubsub) == 0) remember(spec, client, args, host);
  end_exception(&spec, client);
}

void Tracking::keys_expired(keyspace::KeyEvents& events, Host& host) {
  if (is_on()) {
    invalidate(events, nullptr, host);
    collect(events, kNobody, host);
  }
  events.modified_keys.clear();
}

// Everybody is told, whatever they track and whoever did it.
void Tracking::tell_of_flush(Host& host) {
  table_.clear();
  Invalidation everything;
  for (const Ref<Client>& client : clients_.all()) {
    if (client->card.tracking.has(kTrackingOn)) send(*client, everything, host);
  }
}

// As in Redis the writer hears last of what it has read itself.
void Tracking::invalidate(const keyspace::KeyEvents& events, Client* writer, Host& host) {
  std::vector<std::string_view> own_keys;
  for (const std::string& changed : events.modified_keys) {
    table_.invalidate(changed, [&](std::string_view key, std::span<const uint64_t> holders) {
      if (tell_holders(key, holders, writer, host)) own_keys.push_back(changed);
    });
  }
  for (const std::string_view key : own_keys) {
    Invalidation invalidation(std::vector<std::string_view>{key});
    send(*writer, invalidation, host);
  }
}

// A holder may have left, or track otherwise than it did when it read the key. True if the writer is still to be told.
bool Tracking::tell_holders(std::string_view key, std::span<const uint64_t> holders, const Client* writer, Host& host) {
  Invalidation invalidation(std::vector<std::string_view>{key});
  bool is_writers = false;
  for (const uint64_t id : holders) {
    const Ref<Client> client = clients_.find(id);
    if (!client) continue;
    const TrackingCard& card = client->card.tracking;
    if (!card.has(kTrackingOn) || card.has(kTrackingBroadcast)) continue;
    if (client.get() != writer) {
      send(*client, invalidation, host);
    } else if (!card.has(kTrackingNoLoop)) {
      is_writers = true;
    }
  }
  return is_writers;
}

// What the running client has been replied leaves first: see the top of tracking.h.
void Tracking::remember(const CommandSpec& spec, Client& client, std::span<const std::string_view> args, Host& host) {
  const TrackingCard& card = client.card.tracking;
  const bool is_exception = client.session.tracking.is_exception;
  if (card.has(kTrackingOptIn) && !is_exception) return;
  if (card.has(kTrackingOptOut) && is_exception) return;
  std::vector<uint32_t>& positions = share_of(host).positions;
  positions.clear();
  if (!find_keys(spec, args, positions) || positions.empty()) return;
  host.queue_replies(client);
  if (card.has(kTrackingBroadcast)) return;
  const auto is_gone = [this](uint64_t id) { return !clients_.find(id); };
  for (const uint32_t position : positions) table_.remember(args[position], client.fixed.id, is_gone);
  evict(positions.size() + kEvictedPerCommandMax, host);
}

// From MULTI to EXEC an exception holds for all that is queued.
void Tracking::end_exception(const CommandSpec* spec, Client& client) {
  if (is_client_command(spec) || client.session.transaction.is_open()) return;
  client.session.tracking.is_exception = false;
}

void Tracking::evict(size_t count_max, Host& host) {
  const auto limit = static_cast<size_t>(settings_.tracking_table_max_keys.load(kRelaxed));
  if (limit == 0) return;
  for (size_t i = 0; i < count_max && table_.key_count() > limit; ++i) {
    table_.evict(share_of(host).random, [&](std::string_view key, std::span<const uint64_t> holders) {
      tell_holders(key, holders, nullptr, host);
    });
  }
}

// ---- broadcasting

void Tracking::collect(keyspace::KeyEvents& events, uint64_t writer, Host& host) {
  if (prefixes_.size() == 0) return;
  CoreShare& share = share_of(host);
  for (std::string& key : events.modified_keys) {
    share.changed.insert_or_assign(std::move(key), writer);
    if (share.changed.size() >= kCollectedKeysMax) broadcast(host);
  }
}

void Tracking::end_turn(Host& host) {
  if (!share_of(host).changed.empty()) broadcast(host);
  evict(kEvictedPerTurnMax, host);
}

// The keys of one prefix stand side by side.
void Tracking::broadcast(Host& host) {
  const auto& changed = share_of(host).changed;
  std::vector<std::string_view> keys;
  keys.reserve(changed.size());
  for (const auto& [key, writer] : changed) keys.push_back(key);
  prefixes_.for_each_of(keys, [&](std::string_view prefix, const pubsub::PrefixTable::Clients& clients) {
    std::vector<Change> changes;
    for (auto at = changed.lower_bound(prefix); at != changed.end() && at->first.starts_with(prefix); ++at) {
      changes.push_back({at->first, at->second});
    }
    broadcast_to(clients, changes, host);
  });
  share_of(host).changed.clear();
}

void Tracking::broadcast_to(const pubsub::PrefixTable::Clients& clients, std::span<const Change> changes, Host& host) {
  std::set<uint64_t> writers;
  for (const Change& change : changes) writers.insert(change.writer);
  Invalidation of_all(keys_of(changes));
  for (const auto& [id, subscriber] : clients) {
    auto& client = static_cast<Client&>(*subscriber);
    if (!client.card.tracking.has(kTrackingNoLoop) || !writers.contains(id)) {
      send(client, of_all, host);
    } else if (std::vector<std::string_view> keys = keys_of(changes, id); !keys.empty()) {
      Invalidation of_others(std::move(keys));
      send(client, of_others, host);
    }
  }
}

// ---- delivery

void Tracking::send(Client& client, Invalidation& invalidation, Host& host) {
  const uint64_t redirect = client.card.tracking.redirect.load(kRelaxed);
  if (redirect == 0) return host.push(client, invalidation.plain());
  const Ref<Client> target = clients_.find(redirect);
  if (target && !target->is_leaving.load(kRelaxed)) {
    return host.push(*target, invalidation.published());
  }
  client.card.tracking.broken_redirect.store(redirect, kRelaxed);
  BrokenRedirectMessage broken(redirect);
  host.push(client, broken);
}

// ---- which clients track

void Tracking::enable(Client& client, const Request& request) {
  TrackingCard& card = client.card.tracking;
  if (!card.has(kTrackingOn)) tracking_clients_.fetch_add(1, kRelaxed);
  card.redirect.store(request.redirect, kRelaxed);
  card.flags.store(request.flags, kRelaxed);
  if ((request.flags & kTrackingBroadcast) == 0) return;
  auto& own = client.session.tracking.prefixes;
  if (!own) own = std::make_unique<std::set<std::string>>();
  for (const std::string_view prefix : request.prefixes) {
    own->emplace(prefix);
    prefixes_.add(prefix, client.fixed.id, client);
  }
  card.prefix_bytes.store(memory_of(*own), kRelaxed);
}

void Tracking::forget(Client& client) {
  TrackingCard& card = client.card.tracking;
  TrackingSession& session = client.session.tracking;
  if (!card.has(kTrackingOn)) return;
  card.flags.store(0, kRelaxed);
  if (session.prefixes) {
    for (const std::string& prefix : *session.prefixes) prefixes_.remove(prefix, client.fixed.id);
  }
  session = TrackingSession();
  card.prefix_bytes.store(0, kRelaxed);
  tracking_clients_.fetch_sub(1, kRelaxed);
}

}  // namespace millrace::commands
