// Effects: what commands changed, as commands that change the same again wherever they are executed later - on the way
// into the journal.
//
// An effect is deterministic: concrete ids, absolute times, no approximation. Each core has one Effects; it is filled
// under the locks of the partitions concerned, and PartitionLocks hands it to the journal (settle()) before it lets
// them go. So a run of pipelined commands on one key costs one call to the journal.
//
// The effects of one command are a unit, which is in the journal as a whole or not at all: with more than one of them
// it is wrapped in MULTI and EXEC.
//
//   begin_unit()                       by the executor, before a handler or the answer to a blocked command
//     next_command()                   ... and before each command of an EXEC, all of which are one unit
//     add({"XCLAIM", key, ...})        by whoever changes something in a way that his arguments do not say
//     add(args)                        by the executor, if the handler changed something and added nothing
//   end_unit()
//
// Nothing is encoded while no journal is kept. One thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "base/check.h"
#include "keyspace/journal.h"
#include "streams/stream_id.h"

namespace millrace::keyspace {

class Effects {
 public:
  // Without a journal nothing is ever wanted.
  explicit Effects(Journal* journal) : journal_(journal) {}

  bool wanted() const { return journal_ != nullptr && journal_->is_on(); }

  void begin_unit();
  bool is_in_unit() const { return in_unit_; }
  // What was said so far was another command's. REQUIRES: is_in_unit().
  void next_command() { is_said_ = false; }
  // True if the unit has effects.
  bool end_unit() {
    DCHECK(in_unit_);
    in_unit_ = false;
    if (unit_commands_ > 1) wrap_unit();
    return unit_commands_ > 0;
  }

  // One command. Does nothing unless wanted().
  void add(int database, std::span<const std::string_view> words);
  void add(int database, std::initializer_list<std::string_view> words) {
    add(database, std::span<const std::string_view>(words.begin(), words.size()));
  }
  // The same, word by word, exactly as many as announced. REQUIRES: wanted().
  void begin_command(int database, size_t words);
  void word(std::string_view word);
  void word(int64_t number);
  void word(streams::StreamId id);

  // The handler has said all there is to say, maybe nothing: its arguments are no effect.
  void says_it_all() { is_said_ = true; }
  bool is_said() const { return is_said_; }
  // A key expired. That is an effect of its own; the command's own is still to be said.
  void add_expired(int database, std::string_view key);

  // Hands everything to the journal; of a unit that is open, what it has so far as a unit of its own. REQUIRES: the
  // partitions concerned are still held. Nothing to hand over: does nothing.
  void settle();
  // Where the journal stood behind what was handed over last; 0 before anything was.
  uint64_t offset() const { return offset_; }

 private:
  void select(int database);
  void wrap_unit();

  Journal* const journal_;
  Buffer commands_;  // not yet handed over
  int first_database_ = 0;
  int last_database_ = 0;
  size_t unit_start_ = 0;     // in commands_
  size_t unit_commands_ = 0;  // in the unit
  bool in_unit_ = false;
  bool is_said_ = false;
  uint64_t offset_ = 0;
};

}  // namespace millrace::keyspace
