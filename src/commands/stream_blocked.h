// BlockedRead: an XREAD or XREADGROUP with BLOCK that found nothing to serve.
//
// It owns copies of all it needs. '$' was resolved when it blocked; '+' and '>' mean what they mean when it is woken.
// It is answered from one key, the one that changed; the reply is written by the same ReadReply as an immediate one.
// Constant after construction but for `next_look`, so that cores may look at different keys of it at the same time.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "commands/blocking.h"
#include "commands/stream_read.h"

namespace millrace::commands {

class BlockedRead final : public BlockedCommand {
 public:
  // REQUIRES: nothing of the request is ready. The partitions of its keys are held.
  BlockedRead(CommandContext& context, const ReadRequest& request);

  bool try_answer(keyspace::Database& db, std::string_view key, resp::ReplyWriter& reply) override;
  void write_timeout(resp::ReplyWriter& reply) const override { reply.null_array(); }
  bool watches_missing_keys() const override { return options_.in_group; }
  int64_t next_look_unix_ms() const override;

 private:
  // One key with its id. A key may be named twice.
  struct Wish {
    std::string key;
    ReadPoint point;
    std::atomic<int64_t> next_look{kNoDeadline};  // unix ms; only with CLAIM
  };

  ReadTarget target_of(const Wish& wish, const streams::Stream* stream, streams::Group* group) const;
  // The error that ends an XREADGROUP whose key or group has gone; written only by the winner of claim().
  bool answer_vanished(std::string_view key, bool wrong_type, resp::ReplyWriter& reply);
  bool answer_ready(keyspace::Database& db, std::string_view key, const streams::Stream& stream, streams::Group* group,
                    resp::ReplyWriter& reply);
  void plan_next_look(Wish& wish, const ReadTarget& target, int64_t now_ms) const;

  const std::string group_;
  const std::string consumer_;
  const ReadOptions options_;  // its views are into the two above
  std::vector<Wish> wishes_;   // by key
};

}  // namespace millrace::commands
