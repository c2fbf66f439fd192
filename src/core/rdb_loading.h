// RdbLoading: an RDB file, or the RDB part at the start of a journal's file, into the keyspace. Each value is checked
// before it is put there; that the whole was right is known at its end.
//
// Keys of types that this server does not have are counted, not loaded: the caller decides what that means. Run by
// whoever loads, see load_progress.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/foreign_items.h"
#include "core/load_progress.h"
#include "keyspace/key_events.h"
#include "persistence/rdb_reader.h"

namespace millrace::core {

class RdbLoading {
 public:
  enum class Expired : uint8_t {
    kDrop,
    kKeep,  // a journal goes on with them, and says itself when they go
  };

  RdbLoading(const LoadEnvironment& environment, LoadProgress& progress, Expired expired, ForeignItems& foreign)
      : environment_(environment),
        progress_(progress),
        foreign_(foreign),
        expired_policy_(expired),
        keeps_locks_(environment.locks.holds(0)) {}

  // nullopt, or what is wrong; some keys may have been loaded.
  std::optional<std::string> run(LoadSource& source);
  // Behind the RDB part.
  uint64_t end_offset() const { return end_offset_; }
  uint64_t expired() const { return expired_; }  // so many were dropped

 private:
  bool take(persistence::RdbItem& item);
  bool take_key(persistence::RdbItem& item, keyspace::Value value);

  const LoadEnvironment& environment_;
  LoadProgress& progress_;
  ForeignItems& foreign_;
  const Expired expired_policy_;
  const bool keeps_locks_;
  keyspace::KeyEvents events_;  // nobody is told
  uint64_t end_offset_ = 0;
  uint64_t expired_ = 0;
};

}  // namespace millrace::core
