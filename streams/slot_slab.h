// SlotSlab: rows of whole numbers in packed chunks of 64, addressed by 32-bit slots that stay put. A copy shares them.
//
//   pages_ -> page   | references | entry | entry | ...      64 entries: chunk, used (one bit per cell), next, previous
//                                     |
//                                     +-> PackedChunk of up to 64 rows
//
//   slot   =  | page (20 bits) | entry (6) | cell (6) |      there is no last chunk, so no slot is 0xffffffff
//
// A chunk comes with its first row and goes with its last one. Chunks with a free cell form a list (`roomy_`), chunk
// numbers without a chunk another (`vacant_`, through `next` alone), so that adding and erasing are O(1): at worst a
// chunk is made anew, because a row is wider than what is there. Growing pauses for nothing else; but for pages, which
// double until they are full, and a lone first chunk, which starts small.
//
// Copying is a reference to each page, one for 4096 rows. After that either side copies what both hold before it
// writes: a page (1.5 KB, and a reference to each of its chunks), then a chunk (some hundred bytes, at most 3.1 KB).
//
// Invariant: whoever holds a page alone may write to it, and to those of its chunks that no other page refers to. So
// is_unique() of a chunk means something only once its page is unique. One thread for each slab; copies of it, and what
// they share, may be read, changed and destroyed by others meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "streams/packed_chunk.h"
#include "streams/shared_array.h"

namespace millrace::streams {

class SlotSlab {
 public:
  using Row = PackedChunk::Row;

  SlotSlab() = default;
  SlotSlab(const SlotSlab& other);
  SlotSlab& operator=(const SlotSlab&) = delete;
  ~SlotSlab();

  Row row(uint32_t slot) const { return chunk_of(slot).row(slot % kSlots); }
  // One of its numbers.
  uint64_t number(uint32_t slot, uint32_t column) const { return chunk_of(slot).number(slot % kSlots, column); }

  // In a free slot, which is returned.
  uint32_t add(const Row& row);
  // REQUIRES, as erase() does: a row is there.
  void replace(uint32_t slot, const Row& row);
  void erase(uint32_t slot);

  size_t memory_bytes() const { return pages_.capacity() * sizeof(Page*) + bytes_; }
  // What a copy takes beside what is shared, and about how many things it touches.
  size_t clone_bytes() const { return pages_.size() * sizeof(Page*); }
  size_t page_count() const { return pages_.size(); }

 private:
  static constexpr uint32_t kSlots = PackedChunk::kCapacityMax;
  static constexpr uint32_t kFirstCells = 4;  // of the first chunk, which grows to 16 and then to all
  static constexpr uint32_t kPageEntries = 64;
  static constexpr uint64_t kFull = ~uint64_t{0};
  static constexpr uint32_t kNone = 0xffffffff;
  static constexpr uint32_t kChunksMax = kNone / kSlots;

  struct Entry {
    PackedChunk* chunk = nullptr;
    uint64_t used = 0;
    uint32_t next = kNone;
    uint32_t previous = kNone;
  };
  using Page = SharedArray<Entry>;

  static void drop(PackedChunk* chunk);
  static void drop(Page* page);
  static void unshare(Page*& page);

  const Entry& entry_of(uint32_t number) const { return (*pages_[number / kPageEntries])[number % kPageEntries]; }
  const PackedChunk& chunk_of(uint32_t slot) const { return *entry_of(slot / kSlots).chunk; }
  Entry& writable_entry(uint32_t number);
  void set_chunk(Entry& entry, PackedChunk* chunk);
  void write(Entry& entry, uint32_t cell, const Row& row);
  uint32_t add_chunk(const Row& row);
  uint32_t add_number();
  void link_roomy(uint32_t number);
  void unlink_roomy(uint32_t number);

  std::vector<Page*> pages_;
  uint32_t chunk_numbers_ = 0;  // ever given out
  uint32_t roomy_ = kNone;
  uint32_t vacant_ = kNone;
  size_t live_chunks_ = 0;
  size_t bytes_ = 0;  // of pages and chunks
};

}  // namespace millrace::streams
