// SlotSlab: records in chunks of 32, addressed by 32-bit slots that stay put.
//
//   chunks_   | records*, used (one bit per cell), next, previous | ...
//   slot    = chunk number * 32 + cell
//
// A chunk's memory comes with its first record and goes with its last one. Chunks with memory and a free cell form
// a list (`roomy_`), chunk numbers without memory another (`vacant_`, through `next` alone), so that taking and giving
// back are O(1). Growing never moves a record, nor pauses to copy them. One thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.h"

namespace millrace::streams {

template <typename Record>
class SlotSlab {
 public:
  Record& operator[](uint32_t slot) { return chunks_[slot / kCells].records[slot % kCells]; }
  const Record& operator[](uint32_t slot) const { return chunks_[slot / kCells].records[slot % kCells]; }

  // A free slot; its record holds whatever it last held.
  uint32_t take() {
    if (roomy_ == kNone) add_chunk();
    const uint32_t number = roomy_;
    Chunk& chunk = chunks_[number];
    const auto cell = static_cast<uint32_t>(std::countr_one(chunk.used));
    chunk.used |= uint32_t{1} << cell;
    if (chunk.used == kFull) unlink_roomy(number);
    return number * kCells + cell;
  }

  void give_back(uint32_t slot) {
    const uint32_t number = slot / kCells;
    Chunk& chunk = chunks_[number];
    const uint32_t bit = uint32_t{1} << (slot % kCells);
    CHECK((chunk.used & bit) != 0);
    if (chunk.used == kFull) link_roomy(number);
    chunk.used &= ~bit;
    if (chunk.used != 0) return;
    unlink_roomy(number);
    chunk.records.reset();
    --live_chunks_;
    chunk.next = vacant_;
    vacant_ = number;
  }

  size_t memory_bytes() const { return chunks_.capacity() * sizeof(Chunk) + live_chunks_ * kCells * sizeof(Record); }

 private:
  static constexpr uint32_t kCells = 32;
  static constexpr uint32_t kFull = 0xffffffff;
  static constexpr uint32_t kNone = 0xffffffff;
  static constexpr uint32_t kChunksMax = kNone / kCells;

  struct Chunk {
    std::unique_ptr<Record[]> records;
    uint32_t used = 0;
    uint32_t next = kNone;
    uint32_t previous = kNone;
  };

  void add_chunk() {
    uint32_t number = vacant_;
    if (number == kNone) {
      CHECK(chunks_.size() < kChunksMax);
      number = static_cast<uint32_t>(chunks_.size());
      chunks_.emplace_back();
    } else {
      vacant_ = chunks_[number].next;
    }
    chunks_[number].records = std::make_unique<Record[]>(kCells);
    ++live_chunks_;
    link_roomy(number);
  }

  void link_roomy(uint32_t number) {
    chunks_[number].previous = kNone;
    chunks_[number].next = roomy_;
    if (roomy_ != kNone) chunks_[roomy_].previous = number;
    roomy_ = number;
  }
  void unlink_roomy(uint32_t number) {
    const Chunk& chunk = chunks_[number];
    if (chunk.next != kNone) chunks_[chunk.next].previous = chunk.previous;
    (chunk.previous == kNone ? roomy_ : chunks_[chunk.previous].next) = chunk.next;
  }

  std::vector<Chunk> chunks_;
  size_t live_chunks_ = 0;
  uint32_t roomy_ = kNone;
  uint32_t vacant_ = kNone;
};

}  // namespace millrace::streams
