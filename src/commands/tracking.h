// Tracking: client-side caching. Who reads a key is told once it is no longer what it was.
//
//   default    the table remembers which client has read which key; a change tells each of them, once
//   broadcast  clients name prefixes of keys; every core collects what its commands changed, and tells it at the end of
//              its turn, one message for each prefix
//
// When the executor calls what, for one command:
//
//   hold the partitions of its keys
//   events.wants_modified_keys = tracking.is_on()     under the locks, never before: a reader may just have come
//   handler
//   mute (CLIENT REPLY)
//   tracking.after_command(...)                       under the locks, reply complete, before any notification
//
// after_command() is called for every command whose handler ran, blocked ones included; after_refusal() for those that
// were refused before. keys_expired() is for changes that no command made: the same wants_modified_keys, the same
// locks.
//
// Why the order holds. A reader's reply is moved to its outbox (Host::queue_replies) before the partition is let go, so
// an invalidation, which only somebody who holds the partition later can cause, comes behind the value it is about. A
// broadcasting client's replies are queued for the same reason, though nothing is remembered. The message to a writer
// about its own change comes behind its own reply, as Host::push sees to it.
//
// Locks: partition -> shard of the table, or prefixes -> client registry (a leaf), outboxes.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "commands/client.h"
#include "keyspace/key_events.h"
#include "pubsub/prefix_table.h"
#include "pubsub/tracking_table.h"
#include "settings/settings.h"

namespace millrace::commands {

class ClientRegistry;
class Host;
class Invalidation;
struct CommandSpec;

class Tracking {
 public:
  // A key, and the id of the client that changed it last; 0 = nobody.
  struct Change {
    std::string_view key;
    uint64_t writer;
  };

  Tracking(const ClientRegistry& clients, const settings::Settings& settings, int core_count, uint64_t hash_seed);
  Tracking(const Tracking&) = delete;
  Tracking& operator=(const Tracking&) = delete;

  // ---- called by the executor, on the core of `host`; see above
  // True if some client tracks keys, or did and left keys in the table.
  bool is_on() const { return client_count() != 0 || table_.key_count() != 0; }
  // Tells of events.modified_keys and events.was_flushed, which are empty afterwards, and remembers what was read.
  void after_command(const CommandSpec& spec, Client& client, std::span<const std::string_view> args,
                     keyspace::KeyEvents& events, Host& host) {
    if (is_on()) tell_and_remember(spec, client, args, events, host);
    events.modified_keys.clear();
    events.was_flushed = false;
  }
  // The command was unknown or had a wrong number of arguments. `spec` is nullptr if there is no such (sub)command.
  void after_refusal(const CommandSpec* spec, Client& client) { end_exception(spec, client); }
  // Like after_command() for changes without a command: expiry, and what answering blocked clients removed.
  void keys_expired(keyspace::KeyEvents& events, Host& host);

  // ---- called by the core, no partition held
  // At the end of every turn that may have run commands, before the outboxes are flushed.
  void end_turn(Host& host);
  // The client goes away, or wants to hear no more. By its own core, before the object can go.
  void forget(Client& client);

  // ---- for CLIENT TRACKING, on the client's core
  struct Request {
    uint8_t flags = 0;  // TrackingFlag bits, kTrackingOn among them
    uint64_t redirect = 0;
    std::vector<std::string_view> prefixes;
  };
  // REQUIRES: the request agrees with itself and with what the client tracks already. Prefixes add to those it has.
  void enable(Client& client, const Request& request);

  // ---- what INFO tells
  size_t client_count() const { return tracking_clients_.load(std::memory_order_relaxed); }
  size_t key_count() const { return table_.key_count(); }
  size_t item_count() const { return table_.item_count(); }
  size_t prefix_count() const { return prefixes_.size(); }

 private:
  // What the commands of one core changed in this turn, for broadcasting: key -> the client that changed it last, 0 =
  // nobody. Touched by that core only.
  struct alignas(64) CoreShare {
    explicit CoreShare(uint64_t seed) : random{seed} {}
    std::map<std::string, uint64_t, std::less<>> changed;
    std::vector<uint32_t> positions;  // scratch
    Random random;
  };

  void tell_and_remember(const CommandSpec& spec, Client& client, std::span<const std::string_view> args,
                         keyspace::KeyEvents& events, Host& host);
  void tell_of_flush(Host& host);
  bool tell_holders(std::string_view key, std::span<const uint64_t> holders, const Client* writer, Host& host);
  void invalidate(const keyspace::KeyEvents& events, Client* writer, Host& host);
  void collect(keyspace::KeyEvents& events, uint64_t writer, Host& host);
  void remember(const CommandSpec& spec, Client& client, std::span<const std::string_view> args, Host& host);
  void evict(size_t count_max, Host& host);
  void broadcast(Host& host);
  void broadcast_to(const pubsub::PrefixTable::Clients& clients, std::span<const Change> changes, Host& host);
  void send(Client& client, Invalidation& invalidation, Host& host);
  static void end_exception(const CommandSpec* spec, Client& client);
  CoreShare& share_of(const Host& host);

  const ClientRegistry& clients_;
  const settings::Settings& settings_;
  std::atomic<size_t> tracking_clients_{0};
  pubsub::TrackingTable table_;
  pubsub::PrefixTable prefixes_;
  std::vector<std::unique_ptr<CoreShare>> shares_;  // by core
};

}  // namespace millrace::commands
