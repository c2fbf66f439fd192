// PartitionCut: one partition's part of a cut (cut.h): which of its keys the cut has yet to take, and what they were.
//
//   begin()            every entry is uncut: its number is below the cut's
//   walk               take() goes over the tables and copies uncut entries, in slices
//   meanwhile          who changes an uncut entry preserves it first; what is made now bears the cut's number
//   end of the walk    nothing is uncut any more, and nobody pays anything
//
// A copy is taken by reference (Value::clone): later changes copy what they change. An entry that is about to go away
// gives its value instead.
//
// Invariant: while a cut goes on here, each entry of its moment either is uncut in its table, or has been handed out,
// or lies among the preserved - exactly one of them. Guarded by the partition's lock, but for preserved_bytes().
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keyspace/key_table.h"

namespace millrace::keyspace {

// A key as it was at the moment of the cut. Whoever has it needs no lock.
struct CutItem {
  int database = 0;
  int64_t expire_at_ms = kNoExpiry;
  std::string key;
  Value value;
};

class PartitionCut {
 public:
  using Tables = std::span<const std::unique_ptr<KeyTable>>;  // by slot; some may be missing

  // Keys whose time had come before the moment are no part of the cut. `databases` says which one each slot of the
  // tables is at that moment; beyond its end they have the same number. REQUIRES: !is_going().
  void begin(int64_t moment_ms, std::vector<int> databases = {});
  bool is_going() const { return number_ != 0; }
  // The one comparison that changes pay while no cut goes on here.
  bool is_uncut(const KeyEntry& entry) const { return entry.cut < number_; }
  // What a new entry gets: it is no part of the cut.
  uint32_t number() const { return number_; }

  // REQUIRES: the entry is uncut.
  void preserve(int slot, KeyEntry& entry);
  // The same for an entry that is to be erased next: its key and value move out.
  void preserve_leaving(int slot, KeyEntry& entry);

  // Hands out what was preserved, and entries of the tables until about `work_max` pieces have been copied (a group, a
  // consumer, ... see Value::piece_count) or passed over. True when nothing is left here.
  bool take(Tables tables, size_t work_max, std::vector<CutItem>& out);
  // Ends the cut, finished or not, and returns what was preserved in vain: to be destroyed without the lock.
  std::vector<CutItem> end();

  // Roughly the memory that preserved items keep from being freed or shared. May be read without the lock.
  size_t preserved_bytes() const { return preserved_bytes_.load(std::memory_order_relaxed); }

 private:
  int database_of(size_t slot) const { return slot < databases_.size() ? databases_[slot] : static_cast<int>(slot); }
  // Marks the entry as taken; false if it was no part of the cut.
  bool pass(KeyEntry& entry);
  void keep(CutItem item, size_t bytes);
  std::vector<CutItem> give_up_preserved();

  uint32_t number_ = 0;       // of the cut that goes on here; 0 if none does
  uint32_t last_number_ = 0;  // one cut a second uses them up in 136 years
  int64_t moment_ms_ = 0;
  std::vector<int> databases_;  // by slot, at the moment
  size_t slot_ = 0;             // the walk has come to this table,
  uint64_t cursor_ = 0;         // to this place
  std::vector<CutItem> preserved_;
  std::atomic<size_t> preserved_bytes_{0};
};

}  // namespace millrace::keyspace
