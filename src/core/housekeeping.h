// Housekeeping: what a core does ten times a second whether or not anyone asks - expired keys, idle clients, soft
// output limits, save points. Each round is a bounded slice of work; what is left over is taken up in the next turn's
// round. While keys are loaded it leaves them alone.
#pragma once

#include "core/rewrite_schedule.h"
#include "core/timers.h"

namespace millrace::core {

class Core;
class Connection;

class Housekeeping final : private Timer {
 public:
  explicit Housekeeping(Core& core);
  ~Housekeeping();

  // A setting was changed.
  void look_again();

 private:
  void expired() override;
  bool expire_keys();
  bool visit_partitions();
  void sample_rates();
  void look_at_memory();
  void check_save_points();
  void check_clients();
  bool has_to_go(Connection& connection);

  Core& core_;
  RewriteSchedule rewrites_{core_};
  uint32_t next_partition_ = 0;  // where an unfinished round of expiry goes on
  int64_t memory_seen_ns_ = 0;   // when memory was last measured
};

}  // namespace millrace::core
