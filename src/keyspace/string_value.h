// StringValue: the value of a string key.
//
//   integer   eight bytes, for every text that is exactly how a 64-bit integer is written
//   inline    up to 30 bytes, in the value itself
//   block     all else: one allocation that clones share until one of them is written to
//
// How it is kept says nothing about what OBJECT ENCODING reports, which is what Redis would: "int", "embstr" up to 44
// bytes, "raw" beyond that and for everything that was changed in place (APPEND, SETRANGE).
//
// Moving costs 32 bytes. Guarded by the partition's lock; a clone may be read and dropped by anybody without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/numbers.h"

namespace millrace::keyspace {

class StringValue {
 public:
  // Room for the text of an integer.
  struct Digits {
    char text[kNumberTextMax];
  };

  StringValue() = default;  // the empty string
  // As SET keeps it: an integer if it can be one.
  explicit StringValue(std::string_view text) { assign(text); }
  explicit StringValue(int64_t integer) { set_integer(integer); }
  StringValue(StringValue&& other) noexcept { take(other); }
  StringValue& operator=(StringValue&& other) noexcept {
    if (this == &other) return *this;
    drop();
    take(other);
    return *this;
  }
  StringValue(const StringValue&) = delete;
  StringValue& operator=(const StringValue&) = delete;
  ~StringValue() { drop(); }

  // For COPY and snapshots: O(1).
  StringValue clone() const;

  size_t size() const;
  // Lives until the value or `digits` is changed or gone.
  std::string_view text(Digits& digits) const;
  // What INCR counts on from; nothing if the text is no integer.
  std::optional<int64_t> integer() const;

  // `text` must not be a part of this value.
  void assign(std::string_view text);
  // The same, but an integer is kept as text.
  void assign_text(std::string_view text);
  void assign(int64_t integer) {
    drop();
    set_integer(integer);
  }
  void append(std::string_view text) { write(size(), text); }
  // Overwrites what is there, grows what is not, with zero bytes up to `offset` where that is beyond the end.
  void write(size_t offset, std::string_view text);

  bool is_integer() const { return form_ == Form::kInteger; }
  std::string_view encoding_name() const;
  // Beside sizeof(*this). What clones share is counted by each of them.
  size_t memory_bytes() const;

 private:
  enum class Form : uint8_t { kInline, kInteger, kBlock };
  static constexpr size_t kInlineMax = 30;
  struct Block;

  template <typename T>
  T load() const {
    T value;
    std::memcpy(&value, bytes_, sizeof value);
    return value;
  }
  template <typename T>
  void store(T value) {
    std::memcpy(bytes_, &value, sizeof value);
  }
  Block* block() const { return load<Block*>(); }
  void set_integer(int64_t integer) {
    form_ = Form::kInteger;
    is_edited_ = false;
    store(integer);
  }
  void take(StringValue& other) {
    std::memcpy(static_cast<void*>(this), static_cast<const void*>(&other), sizeof *this);
    other.form_ = Form::kInline;
    other.size_ = 0;
  }
  void drop() {
    if (form_ == Form::kBlock) drop_block();
  }
  void drop_block();
  char* make_writable(size_t size);
  char* grow_block(size_t size);

  alignas(8) char bytes_[kInlineMax];  // the text, the integer, or the address of the block
  uint8_t size_ = 0;                   // of the text inline
  Form form_ : 4 = Form::kInline;
  bool is_edited_ : 4 = false;  // changed in place
};

}  // namespace millrace::keyspace
