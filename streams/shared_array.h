// SharedArray: plain values behind a reference count, in one allocation.
//
//   | references | capacity | value | value | ...
//
// What the values refer to is its owner's business: to count it when an array is copied, and when one is freed. An
// array that is_unique() may be changed; others are copied first. The count is atomic, the rest is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

#include "base/check.h"
#include "base/ref.h"

namespace millrace::streams {

template <typename Value>
class alignas(uint64_t) SharedArray {
 public:
  SharedArray(const SharedArray&) = delete;
  SharedArray& operator=(const SharedArray&) = delete;

  // With one reference; the values are not set.
  static SharedArray* make(uint32_t capacity) {
    static_assert(std::is_trivially_copyable_v<Value> && std::is_trivially_destructible_v<Value> &&
                  alignof(Value) <= alignof(SharedArray));
    return new (::operator new(bytes_of(capacity))) SharedArray(capacity);
  }
  // Those beyond the present capacity are not set. REQUIRES: capacity >= capacity().
  SharedArray* copy(uint32_t capacity) const {
    DCHECK(capacity >= capacity_);
    SharedArray* const array = make(capacity);
    std::memcpy(array->values(), values(), capacity_ * sizeof(Value));
    return array;
  }
  // REQUIRES: release() was true, or is_unique().
  static void free(SharedArray* array) {
    array->~SharedArray();
    ::operator delete(array);
  }
  static constexpr size_t bytes_of(uint32_t capacity) { return sizeof(SharedArray) + capacity * sizeof(Value); }

  void retain() const { references_.retain(); }
  [[nodiscard]] bool release() const { return references_.release(); }
  bool is_unique() const { return references_.is_unique(); }

  uint32_t capacity() const { return capacity_; }
  size_t memory_bytes() const { return bytes_of(capacity_); }
  Value& operator[](uint32_t at) { return values()[at]; }
  const Value& operator[](uint32_t at) const { return values()[at]; }

 private:
  explicit SharedArray(uint32_t capacity) : capacity_(capacity) {}
  ~SharedArray() = default;

  Value* values() { return reinterpret_cast<Value*>(this + 1); }
  const Value* values() const { return reinterpret_cast<const Value*>(this + 1); }

  ReferenceCount references_;
  const uint32_t capacity_;
};

}  // namespace millrace::streams
