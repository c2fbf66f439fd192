// CommandMix: every client sends single commands, of kinds that are drawn from a mix, each client from a seed of its
// own, to every stream in turn.
//
//   append   100 % XADD
//   mixed     45 % XADD, 20 % XREADGROUP COUNT 10 (of entries that are new), 20 % XACK, 10 % XRANGE COUNT 10 (from the
//             start), 5 % XLEN
//
// An XACK acknowledges all entries of one earlier reply to the same client; if it has none, an id that is not pending.
// Run by the load's thread.
#pragma once

#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/random.h"
#include "load/scenario.h"
#include "load/stream_options.h"
#include "load/stream_request.h"

namespace millrace::load {

enum class CommandKind : uint8_t { kAdd, kRead, kAcknowledge, kRange, kLength };

struct MixShare {
  CommandKind kind;
  uint64_t percent;
};
inline constexpr MixShare kAppendMix[] = {{CommandKind::kAdd, 100}};
inline constexpr MixShare kMixedMix[] = {{CommandKind::kAdd, 45},
                                         {CommandKind::kRead, 20},
                                         {CommandKind::kAcknowledge, 20},
                                         {CommandKind::kRange, 10},
                                         {CommandKind::kLength, 5}};

class CommandMix : public Scenario {
 public:
  CommandMix(const StreamOptions& options, std::span<const MixShare> mix);

  size_t clients() const override { return clients_.size(); }
  void prepare(Connection& control) override;
  void begin(ScenarioLoad& load, size_t client, int64_t due_ns) override;
  void on_reply(ScenarioLoad& load, size_t client, const Reply& reply) override;

 private:
  struct Unanswered {
    CommandKind kind;
    int64_t due_ns;
  };
  struct Client {
    Client(size_t index, size_t stream);

    Random random;
    uint64_t next_stream;
    StreamRequest read;  // in its own name
    std::deque<Unanswered> unanswered;
    Buffer held;                    // XACK commands for what was read
    std::deque<size_t> held_bytes;  // of each of them
  };

  CommandKind draw(Random& random) const;
  void write(CommandKind kind, Client& client, uint64_t stream, Buffer& out);
  void acknowledge(Client& client, uint64_t stream, Buffer& out);

  const std::span<const MixShare> mix_;
  const uint64_t streams_;
  const StreamRequest add_;
  const StreamRequest acknowledge_nothing_;
  const StreamRequest range_;
  const StreamRequest length_;
  std::vector<Client> clients_;
};

}  // namespace millrace::load
