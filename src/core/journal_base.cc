// See journal_base.h.
#include "core/journal_base.h"

#include <utility>

#include "base/check.h"
#include "core/core.h"

namespace millrace::core {
namespace {

using commands::JournalState;
using commands::SnapshotKind;

constexpr int64_t kNsPerSecond = 1'000'000'000;

}  // namespace

JournalBase::JournalBase(Core& core, io::Disk* disk)
    : SnapshotDestination(core.server(), disk),
      core_(core),
      journal_(core.journal()),
      directory_(core.journal_directory()) {}

bool JournalBase::is_wanted() const {
  return server().settings.appendonly.load(std::memory_order_relaxed) != 0;
}

void JournalBase::begin(SnapshotKind, Instant now) {
  JournalState& state = server().journal_state;
  was_wanted_ = is_wanted();
  case_ = journal_->is_on() ? Case::kNext : was_wanted_ ? Case::kFirst : Case::kAlone;
  is_cut_ = false;
  cut_offset_ = 0;
  increment_path_.clear();
  if (case_ == Case::kNext && may_reuse()) {
    increment_path_ = left_over_->path;
    reused_offset_ = left_over_->offset;
  }
  left_over_.reset();
  state.is_scheduled.store(false, std::memory_order_relaxed);
  state.rewrite_started_monotonic_ns.store(now.monotonic_ns, std::memory_order_relaxed);
  state.is_first.store(case_ == Case::kFirst, std::memory_order_relaxed);
  state.rewrites.fetch_add(1, std::memory_order_relaxed);
  state.is_rewriting.store(true, std::memory_order_relaxed);
  server().log.notice("Background append only file rewriting started");
}

// It is still the last one, nothing was appended to it, and hardly anything can be until a rewrite has succeeded.
bool JournalBase::may_reuse() const {
  if (!server().journal_state.must_rewrite.load(std::memory_order_relaxed)) return false;
  const std::vector<persistence::ManifestFile>& increments = directory_->manifest().incrs();
  return left_over_ && left_over_->offset == journal_->appended() && !increments.empty() &&
         directory_->path_of(increments.back().name) == left_over_->path;
}

SnapshotDestination::Problem JournalBase::make_room() {
  if (increment_path_.empty()) {
    Result<JournalFile, std::string> made =
        case_ == Case::kNext ? directory_->add_increment() : directory_->create_detached_increment();
    if (!made) return made.error();
    increment_path_ = made->path;
    increment_ = *std::move(made);
  }
  set_temporary_path(directory_->temporary_base_path());
  return std::nullopt;
}

SnapshotDestination::Problem JournalBase::cut() {
  const bool was_on = case_ == Case::kNext;
  if (journal_->is_on() != was_on) return "the journal was turned off";
  cut_offset_ = journal_->appended();
  if (case_ == Case::kFirst) journal_->open(*std::exchange(increment_, std::nullopt));
  if (case_ == Case::kNext) {
    if (!increment_ && cut_offset_ != reused_offset_) return "keys have changed since the last try";
    keep();
  }
  is_cut_ = true;
  return std::nullopt;
}

// The manifest has the increment: what is appended from now on belongs into it, whatever becomes of the base.
void JournalBase::keep() {
  if (case_ != Case::kNext || !journal_->is_on()) return;
  if (increment_) journal_->switch_to(*std::exchange(increment_, std::nullopt));
  if (!increment_path_.empty()) left_over_ = LeftOver{increment_path_, journal_->appended()};
}

bool JournalBase::is_pointless() const {
  return is_wanted() != was_wanted_ || (is_cut_ && case_ != Case::kAlone && !journal_->is_on());
}

SnapshotDestination::Problem JournalBase::publish_file() {
  if (case_ == Case::kAlone) disk().close(std::exchange(increment_, std::nullopt)->fd);
  if (Problem problem = directory_->publish_base(increment_path_)) return problem;
  counted_bytes_ = server().journal_state.current_bytes.load(std::memory_order_relaxed);
  total_bytes_ = directory_->total_bytes();
  return std::nullopt;
}

void JournalBase::withdraw() {
  if (case_ == Case::kFirst && is_cut_ && journal_->is_on()) journal_->end();
}

void JournalBase::clean_up() {
  if (increment_) disk().close(std::exchange(increment_, std::nullopt)->fd);
  if (case_ != Case::kNext && !increment_path_.empty()) disk().remove(increment_path_);
}

void JournalBase::end(const SnapshotOutcome& outcome) {
  JournalState& state = server().journal_state;
  state.last_rewrite_s.store(outcome.ns / kNsPerSecond, std::memory_order_relaxed);
  if (outcome.succeeded) {
    note_success(outcome);
  } else {
    note_failure(outcome);
  }
  state.is_rewriting.store(false, std::memory_order_relaxed);
}

void JournalBase::note_success(const SnapshotOutcome& outcome) {
  JournalState& state = server().journal_state;
  left_over_.reset();
  if (journal_->is_on()) {
    state.current_bytes.fetch_add(total_bytes_ - counted_bytes_, std::memory_order_relaxed);
    state.base_bytes.store(total_bytes_, std::memory_order_relaxed);
    journal_->healed(core_, cut_offset_);
  }
  state.last_rewrite_failed.store(false, std::memory_order_relaxed);
  state.rewrite_failures_in_a_row.store(0, std::memory_order_relaxed);
  server().log.notice("Background AOF rewrite finished successfully: " + describe(outcome));
}

void JournalBase::note_failure(const SnapshotOutcome& outcome) {
  JournalState& state = server().journal_state;
  if (outcome.was_given_up) return server().log.notice("Background AOF rewrite given up");
  state.last_rewrite_failed.store(true, std::memory_order_relaxed);
  state.rewrite_failures_in_a_row.fetch_add(1, std::memory_order_relaxed);
  server().log.warning("Background AOF rewrite failed: " + std::string(outcome.failure));
}

}  // namespace millrace::core
