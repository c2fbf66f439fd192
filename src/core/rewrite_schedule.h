// RewriteSchedule: what is due without a command at this moment - the journal begins or ends because `appendonly` was
// changed, it has grown, a sync of it failed, or an order had to wait for another snapshot. Looked at ten times a
// second, and when a setting was changed, by core 0.
//
// As Redis: after three failures in a row rewrites wait for a minute, then two, up to an hour. What makes up for a
// failed sync does not wait like that, for until then nothing can be written.
#pragma once

#include <cstdint>

namespace millrace::core {

class Core;

class RewriteSchedule {
 public:
  explicit RewriteSchedule(Core& core) : core_(core) {}

  void look();

 private:
  void end_journal();
  bool is_rewrite_due();
  bool must_heal();
  bool has_grown() const;
  bool has_to_wait();
  void begin_scheduled_save();

  Core& core_;
  int64_t next_healing_ns_ = 0;
  int64_t delay_minutes_ = 0;  // the last one after failures
  int64_t wait_until_ns_ = 0;
};

}  // namespace millrace::core
