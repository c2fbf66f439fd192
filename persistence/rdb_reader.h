// RdbReader: an RDB file, part by part, from bytes that are not trusted.
//
//   RdbReader reader(source, {});
//   for (;;) {
//     Result<RdbItem, RdbError> item = reader.next();
//     if (!item) refuse(describe(item.error()));
//     if (item->kind == RdbItem::Kind::kEnd) break;     the checksum was right
//     ...
//   }
//
// A value is complete and checked when it is handed out, but that the file as a whole is what was written is known only
// at its end. Between two calls the source may be looked at for progress. One owner at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "persistence/byte_reader.h"
#include "persistence/rdb_error.h"
#include "persistence/rdb_format.h"
#include "streams/stream.h"

namespace millrace::persistence {

struct RdbItem {
  enum class Kind : uint8_t {
    kAux,  // name and text
    kStream,
    kString,    // text
    kForeign,   // a key of a type that we do not have, passed over; text is what Redis calls it
    kFunction,  // a library of functions, passed over
    kModule,    // data of a module that belongs to no key, passed over
    kEnd,
  };

  Kind kind = Kind::kEnd;
  int database = 0;
  std::string name;  // the key; of an aux field, its name
  std::optional<int64_t> expire_at_ms{};
  std::unique_ptr<streams::Stream> stream{};
  std::string text{};
  uint8_t type = 0;  // of the value, as the file has it
};

struct RdbReadOptions {
  int databases = 16;                           // higher ones are refused
  streams::IdempotencyLimits new_streams = {};  // what streams from before Redis 8.6 get
  bool checksum = true;                         // rdbchecksum: compare it
};

class RdbReader {
 public:
  RdbReader(ByteSource& source, const RdbReadOptions& options) : in_(source), options_(options) {}

  // After an error, and after kEnd, the same again.
  Result<RdbItem, RdbError> next();
  // Bytes read so far; behind kEnd, where what follows the RDB part of a file begins.
  uint64_t offset() const { return in_.offset(); }
  int version() const { return version_; }

 private:
  void read_header();
  std::optional<RdbItem> read_opcode(Opcode opcode);
  RdbItem read_aux();
  void read_database();
  void read_expiry_s();
  void read_expiry_ms();
  RdbItem read_key(uint8_t type);
  void read_value(RdbItem& item);
  void read_end();

  ByteReader in_;
  const RdbReadOptions options_;
  int version_ = 0;
  int database_ = 0;
  std::optional<int64_t> expire_at_ms_;  // of the next key
  bool ended_ = false;
};

}  // namespace millrace::persistence
