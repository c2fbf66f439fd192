// The server's shared state as it is built.
#include "commands/server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "commands/command_table.h"

namespace millrace::commands {
namespace {

class Listener final : public pubsub::Subscriber {};

// In the order of the table, which is that of the hashes.
std::vector<std::string> channels_of_server(uint64_t hash_seed) {
  settings::Settings settings;
  Log log;
  keyspace::KeyspaceOptions options;
  options.hash_seed = hash_seed;
  const CommandTable table;
  Server server(settings, log, options, ServerFacts(), table);
  Listener listener;
  pubsub::Subscriptions subscriptions(listener);
  for (int i = 0; i < 100; ++i) {
    server.broker.subscribe(pubsub::Kind::kChannel, subscriptions, std::to_string(i), [] {});
  }
  std::vector<std::string> names = server.broker.channel_names(pubsub::Kind::kChannel, {});
  server.broker.unsubscribe_all(subscriptions);
  return names;
}

// Otherwise anybody could choose channels that all meet in one bucket.
TEST(Server, HashesChannelsWithItsSeed) {
  EXPECT_EQ(channels_of_server(1), channels_of_server(1));
  EXPECT_NE(channels_of_server(1), channels_of_server(2));
}

}  // namespace
}  // namespace millrace::commands
