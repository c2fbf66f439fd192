// SlotSlab: plain records in chunks of 63, addressed by 32-bit slots that stay put. A copy shares them.
//
//   pages_ -> page   | references | entry | entry | ...      64 entries: chunk, used (one bit per cell), next, previous
//                                     |
//                                     +-> chunk | references | record | record | ...      63 records
//
//   slot   =  | page (20 bits) | entry (6) | cell (6) |      no cell has the number 63, so a chunk is 2560 bytes
//
// A chunk's memory comes with its first record and goes with its last one. Chunks with memory and a free cell form
// a list (`roomy_`), chunk numbers without memory another (`vacant_`, through `next` alone), so that taking and giving
// back are O(1). Growing never moves a record, nor pauses to copy them; but for pages, which double until they are
// full, and a lone first chunk, which starts small.
//
// Copying is a reference to each page, one for 4032 records. After that either side copies what both hold before it
// writes: a page (1.5 KB, and a reference to each of its chunks), then a chunk (2.5 KB).
//
// Invariant: whoever holds a page alone may write to it, and to those of its chunks that no other page refers to. So
// is_unique() of a chunk means something only once its page is unique. One thread for each slab; copies of it, and what
// they share, may be read, changed and destroyed by others meanwhile.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "streams/shared_array.h"

namespace millrace::streams {

template <typename Record>
class SlotSlab {
 public:
  SlotSlab() = default;
  SlotSlab(const SlotSlab& other)
      : pages_(other.pages_),
        chunk_numbers_(other.chunk_numbers_),
        roomy_(other.roomy_),
        vacant_(other.vacant_),
        live_chunks_(other.live_chunks_),
        bytes_(other.bytes_) {
    for (const Page* page : pages_) page->retain();
  }
  SlotSlab& operator=(const SlotSlab&) = delete;
  ~SlotSlab() {
    for (Page* page : pages_) drop(page);
  }

  const Record& operator[](uint32_t slot) const { return (*entry_of(slot / kSlots).chunk)[slot % kSlots]; }
  // The same record, no longer shared with any copy.
  Record& writable(uint32_t slot) {
    Entry& entry = writable_entry(slot / kSlots);
    if (!entry.chunk->is_unique()) [[unlikely]]
      replace(entry, entry.chunk->capacity());
    return (*entry.chunk)[slot % kSlots];
  }

  // A free slot; its record holds whatever it last held.
  uint32_t take() {
    if (roomy_ == kNone) add_chunk();
    const uint32_t number = roomy_;
    Entry& entry = writable_entry(number);
    const auto cell = static_cast<uint32_t>(std::countr_one(entry.used));
    if (cell == entry.chunk->capacity()) replace(entry, std::min(kCells, cell * 4 + kFirstCells));
    entry.used |= uint64_t{1} << cell;
    if (entry.used == kFull) unlink_roomy(number);
    return number * kSlots + cell;
  }

  void give_back(uint32_t slot) {
    const uint32_t number = slot / kSlots;
    Entry& entry = writable_entry(number);
    const uint64_t bit = uint64_t{1} << (slot % kSlots);
    CHECK((entry.used & bit) != 0);
    if (entry.used == kFull) link_roomy(number);
    entry.used &= ~bit;
    if (entry.used != 0) return;
    unlink_roomy(number);
    bytes_ -= entry.chunk->memory_bytes();
    drop(entry.chunk);
    --live_chunks_;
    entry = {.next = vacant_};
    vacant_ = number;
  }

  size_t memory_bytes() const { return pages_.capacity() * sizeof(Page*) + bytes_; }
  // What a copy takes beside what is shared, and about how many things it touches.
  size_t clone_bytes() const { return pages_.size() * sizeof(Page*); }
  size_t page_count() const { return pages_.size(); }

 private:
  static constexpr uint32_t kCells = 63;
  static constexpr uint32_t kFirstCells = 3;  // of the first chunk, which grows to 15 and then to all
  static constexpr uint32_t kSlots = 64;      // slot numbers per chunk
  static constexpr uint32_t kPageEntries = 64;
  static constexpr uint64_t kFull = (uint64_t{1} << kCells) - 1;
  static constexpr uint32_t kNone = 0xffffffff;
  static constexpr uint32_t kChunksMax = kNone / kSlots;

  using Chunk = SharedArray<Record>;
  struct Entry {
    Chunk* chunk = nullptr;
    uint64_t used = 0;
    uint32_t next = kNone;
    uint32_t previous = kNone;
  };
  using Page = SharedArray<Entry>;

  const Entry& entry_of(uint32_t number) const {
    const Page& page = *pages_[number / kPageEntries];
    return page[number % kPageEntries];
  }
  Entry& writable_entry(uint32_t number) {
    Page*& page = pages_[number / kPageEntries];
    if (!page->is_unique()) [[unlikely]]
      unshare(page);
    return (*page)[number % kPageEntries];
  }

  [[gnu::noinline]] static void unshare(Page*& page) {
    Page* const copy = page->copy(page->capacity());
    for (uint32_t i = 0; i < copy->capacity(); ++i) {
      if ((*copy)[i].chunk != nullptr) (*copy)[i].chunk->retain();
    }
    drop(page);
    page = copy;
  }
  // Puts a copy with room for `capacity` records in the place of the entry's chunk.
  [[gnu::noinline]] void replace(Entry& entry, uint32_t capacity) {
    Chunk* const copy = entry.chunk->copy(capacity);
    bytes_ += copy->memory_bytes() - entry.chunk->memory_bytes();
    drop(entry.chunk);
    entry.chunk = copy;
  }
  static void drop(Chunk* chunk) {
    if (chunk->release()) Chunk::free(chunk);
  }
  static void drop(Page* page) {
    if (!page->release()) return;
    for (uint32_t i = 0; i < page->capacity(); ++i) {
      if ((*page)[i].chunk != nullptr) drop((*page)[i].chunk);
    }
    Page::free(page);
  }

  void add_chunk() {
    const uint32_t number = vacant_ == kNone ? add_number() : vacant_;
    Entry& added = writable_entry(number);
    if (number == vacant_) vacant_ = added.next;
    added.chunk = Chunk::make(live_chunks_ == 0 ? kFirstCells : kCells);
    bytes_ += added.chunk->memory_bytes();
    ++live_chunks_;
    link_roomy(number);
  }

  uint32_t add_number() {
    CHECK(chunk_numbers_ < kChunksMax);
    const uint32_t place = chunk_numbers_ % kPageEntries;
    if (place == 0) {
      pages_.push_back(Page::make(1));
      (*pages_.back())[0] = {};
      bytes_ += pages_.back()->memory_bytes();
    } else if (place == pages_.back()->capacity()) {
      writable_entry(chunk_numbers_ - 1);
      Page* const larger = pages_.back()->copy(2 * place);
      std::fill_n(&(*larger)[place], place, Entry{});
      bytes_ += larger->memory_bytes() - pages_.back()->memory_bytes();
      Page::free(pages_.back());  // its references to chunks have moved
      pages_.back() = larger;
    }
    return chunk_numbers_++;
  }

  void link_roomy(uint32_t number) {
    Entry& entry = writable_entry(number);
    entry.previous = kNone;
    entry.next = roomy_;
    if (roomy_ != kNone) writable_entry(roomy_).previous = number;
    roomy_ = number;
  }
  void unlink_roomy(uint32_t number) {
    const Entry leaving = entry_of(number);
    if (leaving.next != kNone) writable_entry(leaving.next).previous = leaving.previous;
    if (leaving.previous == kNone) {
      roomy_ = leaving.next;
    } else {
      writable_entry(leaving.previous).next = leaving.next;
    }
  }

  std::vector<Page*> pages_;
  uint32_t chunk_numbers_ = 0;  // ever given out
  uint32_t roomy_ = kNone;
  uint32_t vacant_ = kNone;
  size_t live_chunks_ = 0;
  size_t bytes_ = 0;  // of pages and chunks
};

}  // namespace millrace::streams
