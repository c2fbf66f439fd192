// PubsubTraffic: what its clients received together must be like. See pubsub_traffic.h.
#include <algorithm>

#include "simulation/pubsub_traffic.h"

namespace millrace::test {

void PubsubTraffic::check_all_answered() {
  for (PubsubSession* session : clients_) {
    if (is_open(*session) && session->answered != session->sent.size()) problem(*session, "never got a reply");
  }
  for (const auto& reader : readers_) {
    if (!reader->asked_for.empty()) problems_.push_back("a reader never got its entry");
  }
}

// PUBSUB tells what the clients know: nobody is forgotten, nobody left behind.
void PubsubTraffic::check_audiences() {
  std::map<std::string, int64_t> listeners[3];
  for (const auto& session : sessions_) {
    if (!is_open(*session)) continue;
    for (size_t topic = 0; topic < 3; ++topic) {
      for (const std::string& name : session->names[topic]) ++listeners[topic][name];
    }
  }
  SimulatedCaller observer(server_, static_cast<uint32_t>(random_.below(server_.core_count())));
  const auto numbers_are = [&](const std::string& command, const std::map<std::string, int64_t>& expected) {
    for (const char* name : {"a", "b", "ab", "quiet"}) {
      const auto found = expected.find(name);
      const int64_t count = found == expected.end() ? 0 : found->second;
      const std::string reply = observer.ask(command + " " + name);
      if (reply.ends_with("\r\n:" + std::to_string(count) + "\r\n")) continue;
      problems_.push_back(command + " " + name + " is not " + std::to_string(count) + " but " + reply);
    }
  };
  numbers_are("PUBSUB NUMSUB", listeners[0]);
  numbers_are("PUBSUB SHARDNUMSUB", listeners[2]);
  const std::string patterns = observer.ask("PUBSUB NUMPAT");
  if (patterns != ":" + std::to_string(listeners[1].size()) + "\r\n") {
    problems_.push_back("PUBSUB NUMPAT is not " + std::to_string(listeners[1].size()) + " but " + patterns);
  }
}

// ---- order

void PubsubTraffic::check_orders() {
  std::set<std::pair<std::string, bool>> channels;
  for (const Publication& publication : publications_) channels.insert({publication.channel, publication.is_sharded});
  for (const auto& [channel, is_sharded] : channels) check_order_of(channel, is_sharded);
}

// Every receiver's sequence, the copies of one message standing together, makes edges of a graph; a common order exists
// if it has no cycle.
void PubsubTraffic::check_order_of(const std::string& channel, bool is_sharded) {
  std::map<size_t, std::set<size_t>> later;
  std::map<size_t, size_t> earlier_count;
  for (const auto& session : sessions_) {
    std::optional<size_t> previous;
    std::set<size_t> passed;
    for (const Receipt& receipt : session->receipts) {
      const Publication& publication = publications_[receipt.publication];
      if (publication.channel != channel || publication.is_sharded != is_sharded) continue;
      earlier_count.try_emplace(receipt.publication, 0);
      if (previous == receipt.publication) {
        if (receipt.topic == Topic::kChannel) problem(*session, "the channel's copy after a pattern's");
        continue;
      }
      if (!passed.insert(receipt.publication).second) problem(*session, "copies of a message stand apart");
      if (previous && later[*previous].insert(receipt.publication).second) ++earlier_count[receipt.publication];
      previous = receipt.publication;
    }
  }
  std::vector<size_t> free;
  for (const auto& [publication, count] : earlier_count) {
    if (count == 0) free.push_back(publication);
  }
  size_t ordered = 0;
  for (; ordered < free.size(); ++ordered) {
    for (const size_t next : later[free[ordered]]) {
      if (--earlier_count[next] == 0) free.push_back(next);
    }
  }
  if (ordered < earlier_count.size()) problems_.push_back("the receivers of " + channel + " saw different orders");
}

// Over all channels: the messages of a publisher come in its order, and what was known before another was sent comes
// before it.
void PubsubTraffic::check_stream_order(const PubsubSession& session) {
  std::map<const PubsubSession*, size_t> last_commands;
  int64_t latest_sent = 0;
  for (const Receipt& receipt : session.receipts) {
    const Publication& publication = publications_[receipt.publication];
    size_t& last_command = last_commands[publication.publisher];
    if (publication.command < last_command) problem(session, "messages of one publisher out of order");
    last_command = publication.command;
    if (publication.known < latest_sent) problem(session, "a message after what it caused");
    latest_sent = std::max(latest_sent, publication.sent);
  }
}

// ---- completeness

// One that was sent in silence by a client that left may never have been executed.
bool PubsubTraffic::has_happened(const Publication& publication) {
  return publication.was_executed && (publication.known != kNever || is_open(*publication.publisher));
}

void PubsubTraffic::check_nothing_lost(const PubsubSession& session) {
  for (const Subscription& subscription : session.subscriptions) {
    for (size_t i = 0; i < publications_.size(); ++i) {
      const Publication& publication = publications_[i];
      if (!has_happened(publication) || !reaches(publication, subscription.topic, subscription.name)) continue;
      const bool is_within = subscription.confirmed < publication.sent &&
                             (subscription.left == kNever || publication.known < subscription.left);
      if (!is_within) continue;
      ++figures_.owed;
      if (session.seen.contains({i, subscription.topic, subscription.name})) continue;
      problem(session, "never got message " + std::to_string(i) + " through " + subscription.name);
    }
  }
}

void PubsubTraffic::check_counts() {
  for (size_t i = 0; i < publications_.size(); ++i) {
    const Publication& publication = publications_[i];
    if (!publication.counted) continue;
    int64_t possible = publication.received;
    for (const auto& session : sessions_) possible += possible_deliveries(*session, i);
    if (possible == publication.received) ++figures_.exact_counts;
    if (publication.received <= *publication.counted && *publication.counted <= possible) continue;
    problems_.push_back("PUBLISH of message " + std::to_string(i) + " told " + std::to_string(*publication.counted) +
                        ", there were " + std::to_string(publication.received) + " to " + std::to_string(possible));
  }
}

// How many deliveries of a message to a client that is gone may have been lost with it.
int64_t PubsubTraffic::possible_deliveries(const PubsubSession& session, size_t publication) const {
  if (session.gone <= publications_[publication].sent) return 0;
  if (!session.has_left && session.gone == kNever) return 0;
  std::set<std::pair<Topic, std::string>> listened;
  for (size_t topic = 0; topic < 3; ++topic) {
    for (const std::string& name : session.names[topic]) listened.insert({static_cast<Topic>(topic), name});
  }
  for (size_t i = session.answered; i < session.sent.size(); ++i) {
    const Words& words = session.sent[i].words;
    const std::optional<Topic> topic = topic_of(words[0]);
    if (!topic || words[0].find("UNSUB") != std::string::npos) continue;
    for (size_t j = 1; j < words.size(); ++j) listened.insert({*topic, words[j]});
  }
  return std::count_if(listened.begin(), listened.end(), [&](const auto& one) {
    return reaches(publications_[publication], one.first, one.second) &&
           !session.seen.contains({publication, one.first, one.second});
  });
}

}  // namespace millrace::test
