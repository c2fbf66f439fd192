// Buffer: a growing run of bytes that replies are written into and requests are collected in.
//
// Unlike std::string it does not zero what it grows by. `reserve(n)` returns room for n bytes behind the end;
// `commit(k)` makes the first k of them part of the content. Owned by one thread at a time.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace millrace {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(bytes_); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }
  char* data() { return bytes_; }
  std::string_view view() const { return {bytes_, size_}; }

  char* reserve(size_t count) {
    if (capacity_ - size_ < count) grow(count);
    return bytes_ + size_;
  }
  void commit(size_t count) {
    DCHECK(count <= capacity_ - size_);
    size_ += count;
  }
  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  // Drops the first `count` bytes and moves the rest to the front.
  void consume(size_t count) {
    DCHECK(count <= size_);
    size_ -= count;
    if (size_ > 0) std::memmove(bytes_, bytes_ + count, size_);
  }
  void truncate(size_t size) {
    DCHECK(size <= size_);
    size_ = size;
  }
  void clear() { size_ = 0; }
  // Gives the memory back.
  void release() { *this = Buffer(); }
  void swap(Buffer& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  static constexpr size_t kCapacityMin = 256;

  [[gnu::noinline]] void grow(size_t count) {
    const size_t needed = size_ + count;
    CHECK(needed >= size_);
    size_t capacity = capacity_ + capacity_ / 2;
    if (capacity < needed) capacity = needed;
    if (capacity < kCapacityMin) capacity = kCapacityMin;
    char* bytes = static_cast<char*>(std::realloc(bytes_, capacity));
    if (bytes == nullptr) throw std::bad_alloc();
    bytes_ = bytes;
    capacity_ = capacity;
  }

  char* bytes_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace millrace
