// NodeBlock: memory in which the closed nodes of a stream lie one behind the other, each with its listpack.
//
//   | NodeBlock | block | Node | listpack | block | Node | listpack | ... | room |
//               '---- a place ----------'
//
// Allocators round up what they are asked for, a node's few kilobytes by a tenth on average; a block is rounded up once
// for all that is in it, and only a part of its last place is lost. Each place holds the block, by the pointer at its
// beginning, and so does the stream that fills it; who goes last frees it, on whatever thread. Only that stream takes
// places; how many there are, others may read.
//
// What lies in a place begins 8 bytes behind a multiple of 16, what was allocated for itself on one: so an address
// tells whether it is in a block.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/ref.h"

namespace millrace::streams {

class NodeBlock {
 public:
  static constexpr size_t kHeaderBytes = 16;
  static constexpr size_t kBytesMax = 128 * 1024;

  NodeBlock(const NodeBlock&) = delete;
  NodeBlock& operator=(const NodeBlock&) = delete;

  // How many bytes of a block something of that size takes.
  static constexpr size_t place_bytes(size_t size) { return (sizeof(NodeBlock*) + size + 15) & ~size_t{15}; }
  // A block with room for that many places for `size` bytes, and for what is left of the allocation then; for fewer of
  // them if it would be larger than kBytesMax. REQUIRES: fits(size).
  static Ref<NodeBlock> make(size_t places, size_t size);
  // True if at least eight of that size fit into a block: what is left behind the last is a small part of it then.
  static bool fits(size_t size) { return kHeaderBytes + 8 * place_bytes(size) <= kBytesMax; }

  bool has_room(size_t size) const { return place_bytes(size) <= bytes_ - used_bytes_.load(kRelaxed); }
  // Memory for `size` bytes. REQUIRES: has_room(size).
  void* take(size_t size);
  // The block in which it lies; nullptr if it was allocated for itself.
  static NodeBlock* of(const void* place);
  // REQUIRES: of(place).
  static void give_back(void* place) { of(place)->release(); }

  // How many places were taken, given back or not.
  uint32_t places() const { return places_.load(kRelaxed); }
  // Something is in use, but less than a quarter. REQUIRES: the caller has one reference besides those of the places.
  // Others who have one (a stream that fills it, a thread that asks the same) count for a place meanwhile.
  bool is_sparse() const;

  void retain() const { references_.retain(); }
  void release() const;

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;

  explicit NodeBlock(size_t bytes) : bytes_(static_cast<uint32_t>(bytes)) {}

  ReferenceCount references_;
  const uint32_t bytes_;  // all of the allocation
  std::atomic<uint32_t> used_bytes_{kHeaderBytes};
  std::atomic<uint32_t> places_{0};
};

static_assert(sizeof(NodeBlock) == NodeBlock::kHeaderBytes);

}  // namespace millrace::streams
