// JournalReload: DEBUG LOADAOF - the keys are thrown away and the journal is loaded, as a new start of the server
// would. For tests.
//
// It waits until everything that was appended is in the files, and no snapshot or rewrite is going on; then it holds
// all partitions throughout. The journal goes on as it is. If it does not load, the keys are not what the journal says
// any more, and the server ends. Belongs to its core's thread.
#pragma once

#include "commands/command_table.h"
#include "commands/snapshots.h"
#include "core/timers.h"
#include "keyspace/partition_locks.h"

namespace millrace::core {

class Core;

class JournalReload final : private Timer {
 public:
  JournalReload(Core& core, const commands::CommandTable& table);
  ~JournalReload() { give_up(); }

  // `wait` is answered at the end. False: no journal is kept, or another reload is going on.
  bool start(Ref<commands::SnapshotWait> wait);
  // The core is to stop.
  void give_up();

 private:
  void expired() override;
  bool is_due() const;
  bool reload();
  void answer(bool succeeded);

  Core& core_;
  const commands::CommandTable& table_;
  keyspace::PartitionLocks locks_;
  Ref<commands::SnapshotWait> wait_;
};

}  // namespace millrace::core
