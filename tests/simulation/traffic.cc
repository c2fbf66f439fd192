// Traffic: what the clients do. See traffic.h.
#include "simulation/traffic.h"

#include <algorithm>

namespace millrace::test {
namespace {

constexpr char kSteady[] = "steady";
constexpr const char* kKeys[] = {"a", "b", "c", kSteady};

}  // namespace

Traffic::Traffic(uint64_t seed)
    : server_({.seed = seed, .cores = 3, .partitions = 4}),
      random_(seed ^ 0x5eed),
      is_flushed_sometimes_(seed % 4 == 0) {
  const size_t count = 4 + random_.below(5);
  clients_.resize(count);
  for (size_t i = 0; i < count; ++i) reconnect(i);
}

int64_t Traffic::now_ns() const {
  return const_cast<SimulatedServer&>(server_).world().now().monotonic_ns;
}

void Traffic::run() {
  for (int step = 1; step <= kSteps; ++step) {
    for (size_t i = 0; i < clients_.size(); ++i) act(i);
    const auto look = [this] {
      poll();
      return false;
    };
    if (random_.one_in(2)) server_.run_until(look, static_cast<int64_t>(random_.below(30)));
    if (random_.one_in(20)) server_.world().jump_wall_clock(static_cast<int64_t>(random_.below(4000)) - 2000);
    if (step % 10 == 0) quieten();
  }
  finish();
}

void Traffic::reconnect(size_t index) {
  const std::string name = std::to_string(index) + "." + std::to_string(sessions_.size());
  sessions_.push_back(std::make_unique<TrafficSession>(server_.world(), name));
  clients_[index] = sessions_.back().get();
  clients_[index]->client.connect(SimulatedServer::port_of(static_cast<uint32_t>(random_.below(3))));
}

void Traffic::act(size_t index) {
  TrafficSession& session = *clients_[index];
  if (session.has_left || session.client.is_closed()) return reconnect(index);
  if (random_.one_in(30)) return be_strange(index);
  if (!session.unsent.empty()) return send_rest(session);
  const uint64_t count = random_.below(4);
  for (uint64_t i = 0; i < count && session.unsent.empty(); ++i) send_some(session);
}

// A whole request, or the first piece of one.
void Traffic::send_some(TrafficSession& session) {
  SentCommand command;
  command.words = next_command();
  const auto block = std::find(command.words.begin(), command.words.end(), "BLOCK");
  if (block != command.words.end()) command.block_ms = std::stoll(*(block + 1));
  command.sent_ns = now_ns();
  command.steady_floor = steady_last_id_;
  std::string request = format_request(command.words);
  session.sent.push_back(std::move(command));
  if (random_.one_in(5)) session.unsent = request.substr(1 + random_.below(request.size() - 1));
  session.client.send(std::string_view(request).substr(0, request.size() - session.unsent.size()));
}

void Traffic::send_rest(TrafficSession& session) {
  const size_t count = random_.one_in(3) ? 1 + random_.below(session.unsent.size()) : session.unsent.size();
  session.client.send(std::string_view(session.unsent).substr(0, count));
  session.unsent.erase(0, count);
  session.sent.back().sent_ns = now_ns();
}

void Traffic::be_strange(size_t index) {
  TrafficSession& session = *clients_[index];
  switch (random_.below(4)) {
    case 0:
      session.client.close();
      session.has_left = true;
      break;
    case 1:
      session.client.reset();
      session.has_left = true;
      break;
    case 2:
      session.client.pause_reading();
      session.was_slow = true;
      break;
    default:
      session.client.resume_reading();
      break;
  }
}

std::string Traffic::any_key() {
  return kKeys[random_.below(std::size(kKeys))];
}

// Not the one whose ids are watched from beginning to end.
std::string Traffic::any_changing_key() {
  return kKeys[random_.below(std::size(kKeys) - 1)];
}

std::string Traffic::block_time() {
  return std::to_string(1 + random_.below(kBlockMsMax));
}

Words Traffic::next_command() {
  const uint64_t choice = random_.below(100);
  if (choice < 30) return {"XADD", any_key(), "*", "n", std::to_string(++values_)};
  if (choice < 40) return next_read();
  if (choice < 65) return next_group_read();
  if (choice < 80) return next_pending_command();
  if (choice < 90) return next_key_command();
  if (choice < 94) return next_client_command();
  return {"ECHO", "echo" + std::to_string(++values_)};
}

Words Traffic::next_read() {
  Words words = {"XREAD", "COUNT", std::to_string(1 + random_.below(5))};
  if (!random_.one_in(3)) words.insert(words.end(), {"BLOCK", block_time()});
  const std::string id = random_.one_in(2) ? "$" : random_.one_in(2) ? steady_last_id_ : "0-0";
  if (random_.one_in(3)) {
    words.insert(words.end(), {"STREAMS", any_key(), any_key(), id, id});
  } else {
    words.insert(words.end(), {"STREAMS", any_key(), id});
  }
  return words;
}

Words Traffic::next_group_read() {
  if (groups_.empty() || random_.one_in(12)) {
    groups_.emplace_back(any_key(), "g" + std::to_string(++values_));
    return {"XGROUP", "CREATE", groups_.back().first, groups_.back().second, random_.one_in(2) ? "0" : "$", "MKSTREAM"};
  }
  const auto& [key, group] = groups_[groups_.size() - 1 - random_.below(std::min<size_t>(3, groups_.size()))];
  Words words = {"XREADGROUP", "GROUP",
                 group,        "c" + std::to_string(random_.below(4)),
                 "COUNT",      std::to_string(1 + random_.below(4))};
  if (!random_.one_in(4)) words.insert(words.end(), {"BLOCK", block_time()});
  if (random_.one_in(6)) words.push_back("NOACK");
  if (random_.one_in(6)) words.insert(words.end(), {"CLAIM", std::to_string(random_.below(200))});
  words.insert(words.end(), {"STREAMS", key, random_.one_in(10) ? "0" : ">"});
  return words;
}

// About something that was delivered, not long ago.
Words Traffic::next_pending_command() {
  if (deliveries_.empty()) return {"PING"};
  const size_t back = random_.below(std::min<size_t>(20, deliveries_.size()));
  const Delivery& delivery = deliveries_[deliveries_.size() - 1 - back];
  const std::string consumer = "c" + std::to_string(random_.below(4));
  switch (random_.below(9)) {
    case 0:
      return {"XACKDEL", delivery.key, delivery.group, "IDS", "1", delivery.id};
    case 1:
      return {"XNACK", delivery.key, delivery.group, "FAIL", "IDS", "1", delivery.id};
    case 2:
      return {"XCLAIM", delivery.key, delivery.group, consumer, "20", delivery.id};
    case 3:
      return {"XAUTOCLAIM", delivery.key, delivery.group, consumer, "50", "0", "COUNT", "5"};
    case 4:
      return {"XDEL", delivery.key, delivery.id};
    default:
      return {"XACK", delivery.key, delivery.group, delivery.id};
  }
}

Words Traffic::next_key_command() {
  switch (random_.below(is_flushed_sometimes_ ? 9 : 8)) {
    case 0:
      return {"DEL", any_changing_key()};
    case 1:
      return {"RENAME", any_changing_key(), any_changing_key()};
    case 2:
      return {"PEXPIRE", any_changing_key(), std::to_string(1 + random_.below(300))};
    case 3:
      return {"XTRIM", any_changing_key(), "MAXLEN", std::to_string(random_.below(4))};
    case 4:
      if (!groups_.empty()) return {"XGROUP", "DESTROY", groups_.back().first, groups_.back().second};
      return {"PING"};
    case 8:
      was_flushed_ = true;
      return {"FLUSHALL"};
    default:
      return {"XLEN", any_key()};
  }
}

Words Traffic::next_client_command() {
  const std::string id = std::to_string(1 + random_.below(sessions_.size()));
  switch (random_.below(8)) {
    case 0:
      return {"CLIENT", "KILL", "ID", id};
    case 1: {
      const int64_t pause_ms = 1 + static_cast<int64_t>(random_.below(40));
      pause_ms_ += pause_ms;
      return {"CLIENT", "PAUSE", std::to_string(pause_ms), random_.one_in(2) ? "ALL" : "WRITE"};
    }
    case 2:
      return {"CLIENT", "LIST"};
    default:
      was_unblocked_ = true;
      return {"CLIENT", "UNBLOCK", id, random_.one_in(2) ? "TIMEOUT" : "ERROR"};
  }
}

// Everybody says what is left to say and listens; after a while only waiting commands are unanswered.
void Traffic::listen_for(int64_t ms) {
  server_.run_until(
      [this] {
        poll();
        return false;
      },
      ms);
}

void Traffic::quieten() {
  for (TrafficSession* session : clients_) {
    if (session->has_left || session->client.is_closed()) continue;
    session->client.resume_reading();
    while (!session->unsent.empty()) send_rest(*session);
  }
  listen_for(500);
  check_nobody_waits_in_vain();
  server_.check_streams();
}

void Traffic::finish() {
  quieten();
  // A pipeline may hold a dozen of blocking commands one behind the other.
  server_.run_until(
      [this] {
        poll();
        return false;
      },
      15 * (kBlockMsMax + 100));
  check_all_answered();
  for (const char* key : kKeys) {
    SimulatedCaller observer(server_, 0);
    history_ += observer.ask(std::string("XINFO STREAM ") + key + " FULL COUNT 0");
  }
  for (const auto& session : sessions_) session->client.close();
  server_.stop();
}

}  // namespace millrace::test
