// JournalBase: a snapshot that becomes the new base of the journal. At its cut the journal goes on in a new increment,
// so base and increments together are always all there was, each change once. Three cases:
//
//   kNext    a journal is kept: it goes on in the next increment, which the manifest has before anything is in it
//   kFirst   one is wanted (CONFIG SET appendonly yes) and not yet kept: it begins at the cut, in an increment that
//            counts from publish() on. If the rewrite fails, the journal ends again, and all is as before.
//   kAlone   none is wanted (BGREWRITEAOF): as above, but nothing is ever in the increment
//
// After a failure in the first case the old base, the old increments and the new one together are the journal. While
// nothing can be written because a sync failed, the next try takes that new one again, instead of one more.
//
// Rewriting into new files is also what makes up for a sync that failed (Journal::healed()).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/journal.h"
#include "core/journal_directory.h"
#include "core/snapshot_destination.h"

namespace millrace::core {

class Core;

class JournalBase final : public SnapshotDestination {
 public:
  JournalBase(Core& core, io::Disk* disk);

  // There may be a journal, and there is a directory for it. Otherwise nothing below may be called.
  bool is_possible() const { return journal_ != nullptr && directory_ != nullptr; }

  void begin(commands::SnapshotKind kind, Instant now) override;
  Problem cut() override;
  void keep() override;
  void withdraw() override;
  void end(const SnapshotOutcome& outcome) override;
  bool is_pointless() const override;

 private:
  enum class Case : uint8_t { kNext, kFirst, kAlone };
  // Where the journal went on at a cut of which no base came.
  struct LeftOver {
    std::string path;
    uint64_t offset;  // of the journal
  };

  Problem make_room() override;
  Problem publish_file() override;
  void clean_up() override;
  bool is_wanted() const;
  bool may_reuse() const;
  void note_success(const SnapshotOutcome& outcome);
  void note_failure(const SnapshotOutcome& outcome);

  Core& core_;
  Journal* const journal_;
  JournalDirectory* const directory_;

  Case case_ = Case::kAlone;
  bool was_wanted_ = false;  // at begin()
  bool is_cut_ = false;
  uint64_t cut_offset_ = 0;               // of the journal
  uint64_t reused_offset_ = 0;            // where the journal has to be still, if an increment is used again
  std::string increment_path_;            // the one behind this base; empty until it is there
  std::optional<JournalFile> increment_;  // as long as it is not the journal's
  std::optional<LeftOver> left_over_;
  uint64_t total_bytes_ = 0;    // of all files, afterwards
  uint64_t counted_bytes_ = 0;  // what everybody was told then
};

}  // namespace millrace::core
