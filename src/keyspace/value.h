// Value: what a key holds. Streams and strings today; further types are further alternatives of the variant.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "keyspace/string_value.h"
#include "streams/stream.h"

namespace millrace::keyspace {

class Value {
 public:
  explicit Value(std::unique_ptr<streams::Stream> stream) : state_(std::move(stream)) {}
  explicit Value(StringValue string) : state_(std::move(string)) {}

  // The value of that type, or nullptr if it has another one (WRONGTYPE).
  streams::Stream* stream() {
    auto* held = std::get_if<std::unique_ptr<streams::Stream>>(&state_);
    return held ? held->get() : nullptr;
  }
  const streams::Stream* stream() const { return const_cast<Value*>(this)->stream(); }
  StringValue* string() { return std::get_if<StringValue>(&state_); }
  const StringValue* string() const { return std::get_if<StringValue>(&state_); }

  std::string_view type_name() const;      // TYPE
  std::string_view encoding_name() const;  // OBJECT ENCODING
  size_t memory_bytes() const;             // MEMORY USAGE, without the key
  // For COPY and snapshots. What it can it shares with the original until that changes.
  Value clone() const;
  // What a clone takes in memory beside what is still shared when the original has changed: of a string that is all.
  size_t clone_bytes() const;
  size_t piece_count() const;  // about how many things clone() touches

 private:
  std::variant<std::unique_ptr<streams::Stream>, StringValue> state_;
};

}  // namespace millrace::keyspace
