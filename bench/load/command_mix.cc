// See command_mix.h.
#include "load/command_mix.h"

#include <string>

#include "load/fail.h"
#include "load/scenario_load.h"

namespace millrace::load {
namespace {

constexpr std::string_view kAnyStream = StreamRequest::kAnyStream;
// Commands that are held beyond this are not sent: their entries stay pending.
constexpr size_t kHeldMax = 64;

}  // namespace

CommandMix::Client::Client(size_t index, size_t stream)
    : random(index + 1),
      next_stream(stream),
      read({"XREADGROUP", "GROUP", kGroup, "client" + std::to_string(index), "COUNT", "10", "STREAMS", kAnyStream,
            ">"}) {}

CommandMix::CommandMix(const StreamOptions& options, std::span<const MixShare> mix)
    : mix_(mix),
      streams_(static_cast<uint64_t>(options.streams)),
      add_({"XADD", kAnyStream, "*", "f", std::string(static_cast<size_t>(options.payload_bytes), 'x')}),
      acknowledge_nothing_({"XACK", kAnyStream, kGroup, "0-1"}),
      range_({"XRANGE", kAnyStream, "-", "+", "COUNT", "10"}),
      length_({"XLEN", kAnyStream}) {
  const auto connections = static_cast<size_t>(options.connections);
  clients_.reserve(connections);
  for (size_t i = 0; i < connections; ++i) clients_.emplace_back(i, i * streams_ / connections);
}

void CommandMix::prepare(Connection& control) {
  delete_streams(control, static_cast<int64_t>(streams_));
  if (mix_.size() > 1) make_streams_with_group(control, static_cast<int64_t>(streams_));
}

// ---- Sending

void CommandMix::begin(ScenarioLoad& load, size_t index, int64_t due_ns) {
  Client& client = clients_[index];
  const CommandKind kind = draw(client.random);
  write(kind, client, client.next_stream, load.out(index));
  client.next_stream = client.next_stream + 1 == streams_ ? 0 : client.next_stream + 1;
  client.unanswered.push_back({kind, due_ns});
}

CommandKind CommandMix::draw(Random& random) const {
  uint64_t number = mix_.size() > 1 ? random.below(100) : 0;
  size_t i = 0;
  for (; number >= mix_[i].percent; ++i) number -= mix_[i].percent;
  return mix_[i].kind;
}

void CommandMix::write(CommandKind kind, Client& client, uint64_t stream, Buffer& out) {
  switch (kind) {
    case CommandKind::kAdd:
      return add_.append_to(out, stream);
    case CommandKind::kRead:
      return client.read.append_to(out, stream);
    case CommandKind::kAcknowledge:
      return acknowledge(client, stream, out);
    case CommandKind::kRange:
      return range_.append_to(out, stream);
    case CommandKind::kLength:
      return length_.append_to(out, stream);
  }
}

void CommandMix::acknowledge(Client& client, uint64_t stream, Buffer& out) {
  if (client.held_bytes.empty()) return acknowledge_nothing_.append_to(out, stream);
  const size_t bytes = client.held_bytes.front();
  out.append(client.held.view().substr(0, bytes));
  client.held.consume(bytes);
  client.held_bytes.pop_front();
}

// ---- Receiving

void CommandMix::on_reply(ScenarioLoad& load, size_t index, const Reply& reply) {
  Client& client = clients_[index];
  if (client.unanswered.empty()) blame_server("a reply that nobody asked for");
  const Unanswered command = client.unanswered.front();
  client.unanswered.pop_front();
  if (command.kind == CommandKind::kRead && client.held_bytes.size() < kHeldMax) {
    const bool is_understood = for_each_stream(reply, [&](std::string_view stream, EntryParts entries) {
      const size_t before = client.held.size();
      append_acknowledge(client.held, stream, entries);
      client.held_bytes.push_back(client.held.size() - before);
    });
    if (!is_understood) blame_server("XREADGROUP was answered with something else");
  }
  load.end(index, command.due_ns);
}

}  // namespace millrace::load
