// PubsubTraffic: what the clients do. See pubsub_traffic.h.
#include "simulation/pubsub_traffic.h"

#include <algorithm>
#include <string_view>

namespace millrace::test {
namespace {

constexpr int kSteps = 40;

// Shard channels have the same names, so that a message which crosses over shows.
constexpr const char* kChannels[] = {"a", "b", "ab", "quiet"};
constexpr const char* kPatterns[] = {"*", "a*", "?", "[ab]", "quiet", "none*"};
constexpr const char* kVerbs[] = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"};
constexpr const char* kLeavingVerbs[] = {"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"};

}  // namespace

bool pattern_matches(const std::string& pattern, const std::string& channel) {
  static const std::set<std::pair<std::string, std::string>> kMatches = {
      {"*", "a"}, {"*", "b"}, {"*", "ab"},   {"*", "quiet"}, {"a*", "a"},        {"a*", "ab"},
      {"?", "a"}, {"?", "b"}, {"[ab]", "a"}, {"[ab]", "b"},  {"quiet", "quiet"},
  };
  return kMatches.contains({pattern, channel});
}

bool reaches(const Publication& publication, Topic topic, const std::string& name) {
  if (publication.is_sharded != (topic == Topic::kShardChannel)) return false;
  return topic == Topic::kPattern ? pattern_matches(name, publication.channel) : name == publication.channel;
}

PubsubTraffic::PubsubTraffic(uint64_t seed)
    : server_({.seed = seed, .cores = 3, .partitions = 4}), random_(seed ^ 0xb0b), is_peaceful_(seed % 2 == 0) {
  for (uint32_t core = 0; core < server_.core_count(); ++core) {
    readers_.push_back(std::make_unique<Reader>(server_.world()));
    readers_.back()->client.connect(SimulatedServer::port_of(core));
  }
  clients_.resize(5 + random_.below(5));
  for (size_t i = 0; i < clients_.size(); ++i) reconnect(i);
}

void PubsubTraffic::run() {
  for (int step = 1; step <= kSteps; ++step) {
    for (size_t i = 0; i < clients_.size(); ++i) act(i);
    if (random_.one_in(2)) listen_for(static_cast<int64_t>(random_.below(3)));
    if (step % 20 == 0) quieten();
  }
  finish();
}

void PubsubTraffic::reconnect(size_t index) {
  using Role = PubsubSession::Role;
  constexpr Role kRoles[] = {Role::kPublisher, Role::kSubscriber, Role::kBoth, Role::kBoth};
  const std::string name = std::to_string(index) + "." + std::to_string(sessions_.size());
  // There are always two who can publish.
  const Role role = index < 2 ? Role::kPublisher : kRoles[random_.below(std::size(kRoles))];
  sessions_.push_back(std::make_unique<PubsubSession>(server_.world(), name, role));
  PubsubSession& session = *sessions_.back();
  clients_[index] = &session;
  session.client.connect(SimulatedServer::port_of(static_cast<uint32_t>(random_.below(server_.core_count()))));
  std::vector<Words> pipeline = {{"CLIENT", "ID"}};
  if (role == Role::kBoth || random_.one_in(4)) pipeline.push_back({"HELLO", "3"});
  session.asked_for_resp3 = pipeline.size() > 1;
  if (role != Role::kPublisher) pipeline.push_back(next_of_subscriber(session));
  send(session, pipeline);
}

void PubsubTraffic::act(size_t index) {
  PubsubSession& session = *clients_[index];
  if (!is_open(session)) return reconnect(index);
  if (random_.one_in(40)) return be_strange(session);
  if (!session.unsent.empty()) return send_rest(session);
  for (uint64_t i = random_.below(4); i > 0 && session.unsent.empty(); --i) send(session, next_commands(session));
}

void PubsubTraffic::be_strange(PubsubSession& session) {
  const uint64_t choice = random_.below(is_peaceful_ ? 2 : 4);
  if (choice == 0) return session.client.pause_reading();
  if (choice == 1) return session.client.resume_reading();
  session.has_left = true;
  if (choice == 2) {
    session.client.close();
  } else {
    session.client.reset();
  }
}

// The commands in one piece, or the last of them cut short for now.
void PubsubTraffic::send(PubsubSession& session, const std::vector<Words>& pipeline) {
  std::string bytes;
  ++moment_;
  for (const Words& words : pipeline) {
    PubsubCommand command{words, moment_, std::nullopt};
    if (words[0].ends_with("PUBLISH")) {
      command.publication = std::stoull(words[2]);
      Publication& publication = publications_[*command.publication];
      publication.publisher = &session;
      publication.command = session.sent.size();
      publication.sent = moment_;
    }
    if (words.size() == 4 && words[1] == "KILL") condemned_.insert(words[3]);
    session.sent.push_back(std::move(command));
    const std::string request = format_request(words);
    if (&words == &pipeline.back() && random_.one_in(6)) {
      session.unsent = request.substr(1 + random_.below(request.size() - 1));
    }
    bytes += request;
  }
  session.client.send(std::string_view(bytes).substr(0, bytes.size() - session.unsent.size()));
  pass_silent_commands(session);
}

void PubsubTraffic::send_rest(PubsubSession& session) {
  const size_t count = random_.one_in(3) ? 1 + random_.below(session.unsent.size()) : session.unsent.size();
  session.client.send(std::string_view(session.unsent).substr(0, count));
  session.unsent.erase(0, count);
  PubsubCommand& last = session.sent.back();
  last.sent = ++moment_;
  if (last.publication) publications_[*last.publication].sent = moment_;
}

std::vector<Words> PubsubTraffic::next_commands(PubsubSession& session) {
  using Role = PubsubSession::Role;
  const uint64_t choice = random_.below(100);
  if (choice < 12) return next_administration(session);
  const bool publishes = session.role == Role::kPublisher || (session.role == Role::kBoth && choice < 55);
  std::vector<Words> pipeline;
  if (session.role != Role::kSubscriber && random_.one_in(20)) pipeline.push_back({"CLIENT", "REPLY", "SKIP"});
  if (!publishes) {
    pipeline.push_back(next_of_subscriber(session));
  } else {
    add_publishing(session, pipeline);
  }
  return pipeline;
}

void PubsubTraffic::add_publishing(PubsubSession& session, std::vector<Words>& pipeline) {
  if (random_.one_in(5)) {
    const std::string number = std::to_string(publications_.size());
    pipeline.push_back({"XADD", "entry:" + number, "*", "n", number});
    pipeline.push_back(next_publish());
    publications_.back().has_entry = true;
    return;
  }
  if (random_.one_in(3)) return add_run(session, pipeline);
  for (uint64_t i = random_.one_in(3) ? 1 + random_.below(4) : 1; i > 0; --i) pipeline.push_back(next_publish());
}

// Many messages to one channel, and here and there something else in between.
void PubsubTraffic::add_run(PubsubSession& session, std::vector<Words>& pipeline) {
  const std::string channel = any_name(Topic::kChannel);
  const bool is_sharded = random_.one_in(2);
  for (uint64_t i = 2 + random_.below(8); i > 0; --i) {
    pipeline.push_back(publish_to(channel, is_sharded));
    ++figures_.in_runs;
    if (random_.one_in(10)) pipeline.push_back({"PING", "x" + std::to_string(moment_)});
    if (random_.one_in(20)) pipeline.push_back(next_publish());
    const bool listens = session.role == PubsubSession::Role::kBoth && random_.one_in(20);
    if (listens) pipeline.push_back(next_of_subscriber(session));
  }
}

Words PubsubTraffic::next_publish() {
  return publish_to(any_name(Topic::kChannel), random_.one_in(5));
}

Words PubsubTraffic::publish_to(const std::string& channel, bool is_sharded) {
  Publication publication;
  publication.channel = channel;
  publication.is_sharded = is_sharded;
  publications_.push_back(publication);
  return {publication.is_sharded ? "SPUBLISH" : "PUBLISH", publication.channel,
          std::to_string(publications_.size() - 1)};
}

Words PubsubTraffic::next_of_subscriber(PubsubSession& session) {
  const auto topic = static_cast<Topic>(random_.below(3));
  const bool leaves = !session.sent.empty() && random_.one_in(3);
  Words words = {(leaves ? kLeavingVerbs : kVerbs)[static_cast<size_t>(topic)]};
  if (leaves && random_.one_in(4)) return words;
  for (uint64_t i = 1 + random_.below(3); i > 0; --i) words.push_back(any_name(topic));
  return words;
}

// What changes how a client is spoken to - never where nobody could tell from which byte on - and what ends others.
std::vector<Words> PubsubTraffic::next_administration(PubsubSession& session) {
  switch (random_.below(8)) {
    case 0:
      session.asked_for_resp3 = session.asked_for_silence = false;
      return {{"RESET"}};
    case 1:
    case 2:
      session.asked_for_silence = false;
      session.asked_for_resp3 = !session.asked_for_resp3;
      return {{"CLIENT", "REPLY", "ON"}, {"HELLO", session.asked_for_resp3 ? "3" : "2"}};
    case 3:
    case 4:
      if (session.role == PubsubSession::Role::kSubscriber) break;
      session.asked_for_silence = !session.asked_for_silence;
      return {{"CLIENT", "REPLY", session.asked_for_silence ? "OFF" : "ON"}};
    case 5: {
      const PubsubSession& victim = *sessions_[random_.below(sessions_.size())];
      if (is_peaceful_ || victim.id.empty() || &victim == &session) break;
      return {{"CLIENT", "KILL", "ID", victim.id}};
    }
    default:
      break;
  }
  return {{"PING", "x" + std::to_string(moment_)}};
}

std::string PubsubTraffic::any_name(Topic topic) {
  if (topic == Topic::kPattern) return kPatterns[random_.below(std::size(kPatterns))];
  return kChannels[random_.below(std::size(kChannels))];
}

void PubsubTraffic::listen_for(int64_t ms) {
  server_.run_until(
      [this] {
        poll();
        return false;
      },
      ms);
}

// Everybody says what is left to say and reads what there is; those who left have arrived at doing so.
void PubsubTraffic::quieten() {
  for (PubsubSession* session : clients_) {
    if (!is_open(*session)) continue;
    session->client.resume_reading();
    while (!session->unsent.empty()) send_rest(*session);
  }
  // A connection that holds a few bytes at a time takes long.
  for (int64_t before = -1; before != moment_;) {
    before = moment_;
    listen_for(250);
  }
  ++moment_;
  for (const auto& session : sessions_) {
    if (is_open(*session)) continue;
    session->gone = std::min(session->gone, moment_);
    if (!session->has_left && !condemned_.contains(session->id)) problem(*session, "was closed without a reason");
  }
}

void PubsubTraffic::finish() {
  quieten();
  check_all_answered();
  check_audiences();
  check_orders();
  check_counts();
  for (const auto& session : sessions_) {
    check_stream_order(*session);
    if (is_open(*session)) check_nothing_lost(*session);
  }
  for (const Publication& publication : publications_) {
    figures_.publications += publication.was_executed ? 1 : 0;
    figures_.receipts += static_cast<size_t>(publication.received);
  }
  for (const auto& session : sessions_) session->client.close();
  for (const auto& reader : readers_) reader->client.close();
  server_.stop();
}

}  // namespace millrace::test
