// See group_work.h.
#include "load/group_work.h"

#include <algorithm>

#include "base/numbers.h"
#include "load/fail.h"
#include "load/scenario_load.h"

namespace millrace::load {
namespace {

constexpr size_t kLineEndBytes = 2;
constexpr size_t kValuePart = 2;  // of an entry

size_t value_bytes(const StreamOptions& options) {
  const auto bytes = static_cast<size_t>(options.payload_bytes);
  if (bytes < kStampBytes)
    fail("groups: --payload is a number from ", std::to_string(kStampBytes) + ", what it takes to tell messages apart");
  return bytes;
}

}  // namespace

GroupWork::GroupWork(const StreamOptions& options)
    : streams_(static_cast<uint64_t>(options.streams)),
      stamp_at_from_end_(value_bytes(options) + kLineEndBytes),
      add_({"XADD", StreamRequest::kAnyStream, "*", "f", std::string(value_bytes(options), 'x')}),
      producers_(static_cast<size_t>(options.connections)),
      consumers_(producers_.size()) {
  for (size_t i = 0; i < producers_.size(); ++i) {
    producers_[i].next_stream = i * streams_ / producers_.size();
    consumers_[i].read = read_command(i);
  }
}

// A consumer for every stream; if there are fewer streams, several consumers for each.
std::string GroupWork::read_command(size_t consumer) const {
  const std::string name = "consumer" + std::to_string(consumer);
  std::vector<std::string> keys;
  for (uint64_t i = consumer % streams_; i < streams_; i += consumers_.size()) keys.push_back(stream_name(i));
  std::vector<std::string_view> words = {"XREADGROUP", "GROUP", kGroup, name, "COUNT", "10", "BLOCK", "0", "STREAMS"};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), keys.size(), ">");
  return command(words);
}

void GroupWork::prepare(Connection& control) {
  delete_streams(control, static_cast<int64_t>(streams_));
  make_streams_with_group(control, static_cast<int64_t>(streams_));
}

void GroupWork::open(ScenarioLoad& load) {
  for (size_t i = 0; i < consumers_.size(); ++i) load.out(producers_.size() + i).append(consumers_[i].read);
}

void GroupWork::begin(ScenarioLoad& load, size_t client, int64_t due_ns) {
  Producer& producer = producers_[client];
  Buffer& out = load.out(client);
  add_.append_to(out, producer.next_stream);
  write_stamp({.sequence = producer.sent++, .sent_ns = due_ns, .publisher = static_cast<uint32_t>(client)},
              out.data() + out.size() - stamp_at_from_end_);
  producer.next_stream = producer.next_stream + 1 == streams_ ? 0 : producer.next_stream + 1;
}

void GroupWork::on_reply(ScenarioLoad& load, size_t client, const Reply& reply) {
  if (client < producers_.size()) return;
  Consumer& consumer = consumers_[client - producers_.size()];
  if (consumer.unacknowledged.empty()) {
    on_messages(load, client, consumer, reply);
  } else {
    on_acknowledged(load, consumer, reply);
  }
}

void GroupWork::on_messages(ScenarioLoad& load, size_t client, Consumer& consumer, const Reply& reply) {
  Buffer& out = load.out(client);
  bool is_understood = reply.kind == '*';
  const auto take_stream = [&](std::string_view stream, EntryParts entries) {
    append_acknowledge(out, stream, entries);
    consumer.unacknowledged.push_back(entries.size() / kPartsOfEntry);
    for (size_t i = kValuePart; i < entries.size(); i += kPartsOfEntry) {
      const auto stamp = read_stamp(entries[i]);
      is_understood = is_understood && stamp && stamp->publisher < producers_.size();
      consumer.messages.push_back(stamp.value_or(Stamp()));
    }
  };
  if (!for_each_stream(reply, take_stream) || !is_understood) {
    blame_server("XREADGROUP was answered with something else than messages of this load");
  }
  out.append(consumer.read);
}

void GroupWork::on_acknowledged(ScenarioLoad& load, Consumer& consumer, const Reply& reply) {
  const size_t count = consumer.unacknowledged.front();
  consumer.unacknowledged.pop_front();
  if (parse_i64(reply.part(0)) != static_cast<int64_t>(count)) {
    blame_server("XACK of " + std::to_string(count) + " messages was answered: ", reply.part(0));
  }
  for (size_t i = 0; i < count; ++i) {
    const Stamp message = consumer.messages.front();
    consumer.messages.pop_front();
    load.end(message.publisher, message.sent_ns);
  }
}

}  // namespace millrace::load
