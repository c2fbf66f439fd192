// Traffic: what the replies must be like. See traffic.h.
#include <algorithm>
#include <charconv>
#include <string_view>

#include "keyspace/keyspace.h"
#include "simulation/traffic.h"

namespace millrace::test {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

// What a client may be told when the keys and groups it names come and go.
constexpr std::string_view kExpectedErrors[] = {"NOGROUP",
                                                "BUSYGROUP",
                                                "UNBLOCKED",
                                                "ERR no such key",
                                                "ERR No such client",
                                                "ERR The XGROUP subcommand",
                                                "ERR No such client ID"};

std::pair<uint64_t, uint64_t> parse_id(std::string_view text) {
  std::pair<uint64_t, uint64_t> id;
  const size_t dash = text.find('-');
  std::from_chars(text.data(), text.data() + std::min(dash, text.size()), id.first);
  if (dash != std::string_view::npos) std::from_chars(text.data() + dash + 1, text.data() + text.size(), id.second);
  return id;
}

std::string join(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += word + " ";
  return text;
}

bool has_word(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

void Traffic::problem(const SentCommand& command, const std::string& text) {
  problems_.push_back(std::to_string(now_ns()) + " " + join(command.words) + ": " + text);
}

void Traffic::poll() {
  for (const auto& session : sessions_) poll(*session);
}

void Traffic::poll(TrafficSession& session) {
  const std::string bytes = session.client.take_received();
  if (bytes.empty()) return;
  history_ += std::to_string(now_ns()) + " " + session.name + " " + bytes + "\n";
  session.received += bytes;
  size_t position = 0;
  for (Reply reply;;) {
    const ReplyStatus status = read_reply(session.received, position, reply);
    if (status == ReplyStatus::kMalformed) problem({}, session.name + " received no RESP: " + session.received);
    if (status != ReplyStatus::kComplete) break;
    if (session.answered == session.sent.size()) {
      problem({}, session.name + " received a reply to nothing");
      break;
    }
    check(session, session.sent[session.answered++], reply);
    session.last_reply_ns = now_ns();
  }
  session.received.erase(0, position);
}

void Traffic::check(TrafficSession& session, const SentCommand& command, const Reply& reply) {
  check_time(session, command, reply);
  const std::string& name = command.words[0];
  if (reply.is_error()) {
    const auto fits = [&](std::string_view prefix) { return reply.text.starts_with(prefix); };
    if (!std::any_of(std::begin(kExpectedErrors), std::end(kExpectedErrors), fits)) problem(command, reply.text);
    return;
  }
  if (name == "ECHO" && reply.text != command.words[1]) problem(command, "the reply to another command: " + reply.text);
  if (name == "XADD") check_added(command, reply);
  if (name == "XREAD" || name == "XREADGROUP") check_read(command, reply);
  if (name == "XACK" || name == "XACKDEL") check_acknowledged(command, reply);
  if (name == "XCLAIM") check_entries(command, command.words[1], reply);
  if (name == "XAUTOCLAIM") {
    if (reply.items.size() != 3) return problem(command, "not an XAUTOCLAIM reply");
    check_entries(command, command.words[1], reply.items[1]);
  }
}

void Traffic::check_time(TrafficSession& session, const SentCommand& command, const Reply& reply) {
  if (command.sent_ns > now_ns()) return problem(command, "answered before it was asked");
  const int64_t began_ns = std::max(command.sent_ns, session.last_reply_ns);
  const int64_t taken_ms = (now_ns() - began_ns) / kNsPerMs;
  if (!session.was_slow && taken_ms > command.block_ms + kSlackMs + pause_ms_) {
    problem(command, "took " + std::to_string(taken_ms) + " ms");
  }
  const bool timed_out = command.block_ms > 0 && reply.is_null;
  if (timed_out && !was_unblocked_ && (now_ns() - command.sent_ns) / kNsPerMs < command.block_ms) {
    problem(command, "timed out early");
  }
}

void Traffic::check_added(const SentCommand& command, const Reply& reply) {
  if (reply.mark != '$') return problem(command, "not an id");
  if (command.words[1] != "steady" || was_flushed_) return;
  if (parse_id(reply.text) <= parse_id(command.steady_floor))
    problem(command, reply.text + " is not above the ids before");
  if (parse_id(reply.text) > parse_id(steady_last_id_)) steady_last_id_ = reply.text;
}

void Traffic::check_read(const SentCommand& command, const Reply& reply) {
  if (reply.is_null) return;
  if (reply.mark != '*' || reply.items.empty()) return problem(command, "neither null nor streams");
  for (const Reply& stream : reply.items) {
    if (stream.items.size() != 2) return problem(command, "not a stream");
    if (!has_word(command.words, stream.items[0].text)) problem(command, "not asked for " + stream.items[0].text);
    check_entries(command, stream.items[0].text, stream.items[1]);
  }
}

void Traffic::check_entries(const SentCommand& command, const std::string& key, const Reply& entries) {
  const bool in_group = command.words[0] != "XREAD";
  const bool is_read = command.words[0] == "XREADGROUP";
  const bool asks_for_new = is_read && command.words.back() == ">";
  std::pair<uint64_t, uint64_t> last{0, 0};
  for (const Reply& entry : entries.items) {
    if (entry.items.size() != 2 && entry.items.size() != 4) return problem(command, "not an entry");
    const bool is_claimed = entry.items.size() == 4 && entry.items[3].number > 0;
    const auto id = parse_id(entry.items[0].text);
    if (id <= last && !is_claimed && !has_word(command.words, "CLAIM")) problem(command, "ids do not ascend");
    last = id;
    if (!in_group || entry.items[1].is_null) continue;
    if (entry.items[1].items.size() != 2) return problem(command, "not the fields that were added");
    const std::string& group = command.words[2];
    check_delivery(command, {key, group, entry.items[0].text, entry.items[1].items[1].text},
                   asks_for_new && !is_claimed);
  }
}

void Traffic::check_delivery(const SentCommand& command, const Delivery& delivery, bool is_new) {
  deliveries_.push_back(delivery);
  const std::pair<std::string, std::string> place{delivery.group, delivery.value};
  if (is_new && !delivered_.insert(place).second) problem(command, "delivered again: " + delivery.value);
  const auto acknowledged = acknowledged_.find(place);
  if (acknowledged != acknowledged_.end() && acknowledged->second < command.sent_ns) {
    problem(command, "was acknowledged: " + delivery.value);
  }
}

void Traffic::check_acknowledged(const SentCommand& command, const Reply& reply) {
  const bool is_done =
      command.words[0] == "XACK" ? reply.number == 1 : reply.items.size() == 1 && reply.items[0].number == 1;
  if (!is_done) return;
  for (const Delivery& delivery : deliveries_) {
    if (delivery.group != command.words[2] || delivery.id != command.words.back()) continue;
    acknowledged_.try_emplace({delivery.group, delivery.value}, now_ns());
  }
}

// Whether a waiting command has been overlooked. The world is quiet.
bool Traffic::has_something_for(const SentCommand& command) {
  const Words& words = command.words;
  const size_t count = (words.end() - std::find(words.begin(), words.end(), "STREAMS") - 1) / 2;
  for (size_t i = words.size() - 2 * count; i < words.size() - count; ++i) {
    const std::string& id = words[i + count];
    keyspace::Keyspace& keyspace = server_.server().keyspace;
    keyspace::Partition& partition = keyspace.partition(keyspace.partition_of(words[i]));
    MutexLock lock(partition.mutex);
    keyspace::KeyTable* table = partition.existing_table(0);
    keyspace::KeyEntry* entry = table ? table->find(keyspace.hash_of(words[i]), words[i]) : nullptr;
    streams::Stream* stream = entry ? entry->value.stream() : nullptr;
    streams::StreamId above;
    if (words[0] == "XREADGROUP") {
      streams::Group* group = stream ? stream->group(words[2]) : nullptr;
      if (group == nullptr) return true;
      above = group->last_delivered;
    } else if (stream == nullptr || id == "$") {
      continue;
    } else {
      const auto [ms, sequence] = parse_id(id);
      above = {ms, sequence};
    }
    if (stream->last_entry_id().value_or(streams::StreamId{}) > above) return true;
  }
  return false;
}

// Those whose current command should have been answered, with that command.
std::vector<std::pair<TrafficSession*, size_t>> Traffic::overlooked() {
  std::vector<std::pair<TrafficSession*, size_t>> found;
  for (TrafficSession* session : clients_) {
    if (session->has_left || session->client.is_closed() || session->answered == session->sent.size()) continue;
    const SentCommand& command = session->sent[session->answered];
    // Behind others that have only just ended it may be on its way still.
    const int64_t began_ns = std::max(session->last_reply_ns, command.sent_ns);
    if (began_ns + 200 * kNsPerMs > now_ns()) continue;
    // One whose time may be up is left to check_time(): its null may be on the way.
    const bool is_patient = began_ns + (command.block_ms - 50) * kNsPerMs > now_ns();
    if (command.block_ms == 0 || (is_patient && has_something_for(command))) {
      found.emplace_back(session, session->answered);
    }
  }
  return found;
}

// Looks twice: what woke a command a moment ago has its answer still in the network at the first look.
void Traffic::check_nobody_waits_in_vain() {
  if (server_.server().pause.until_monotonic_ns.load() > now_ns()) return;
  const auto suspects = overlooked();
  if (suspects.empty()) return;
  listen_for(20);
  for (const auto& [session, index] : overlooked()) {
    if (std::find(suspects.begin(), suspects.end(), std::pair(session, index)) == suspects.end()) continue;
    problem(session->sent[index], session->name + " waits in vain");
  }
}

void Traffic::check_all_answered() {
  for (TrafficSession* session : clients_) {
    if (session->has_left || session->client.is_closed()) continue;
    if (session->answered == session->sent.size()) continue;
    problem(session->sent[session->answered], session->name + " never got a reply");
  }
}

}  // namespace millrace::test
