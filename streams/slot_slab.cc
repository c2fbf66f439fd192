// See slot_slab.h.
#include "streams/slot_slab.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace millrace::streams {

// ---- Sharing

SlotSlab::SlotSlab(const SlotSlab& other)
    : pages_(other.pages_),
      chunk_numbers_(other.chunk_numbers_),
      roomy_(other.roomy_),
      vacant_(other.vacant_),
      live_chunks_(other.live_chunks_),
      bytes_(other.bytes_) {
  for (const Page* page : pages_) page->retain();
}

SlotSlab::~SlotSlab() {
  for (Page* page : pages_) drop(page);
}

void SlotSlab::drop(PackedChunk* chunk) {
  if (chunk->release()) PackedChunk::free(chunk);
}

void SlotSlab::drop(Page* page) {
  if (!page->release()) return;
  for (uint32_t i = 0; i < page->capacity(); ++i) {
    if ((*page)[i].chunk != nullptr) drop((*page)[i].chunk);
  }
  Page::free(page);
}

void SlotSlab::unshare(Page*& page) {
  Page* const copy = page->copy(page->capacity());
  for (uint32_t i = 0; i < copy->capacity(); ++i) {
    if ((*copy)[i].chunk != nullptr) (*copy)[i].chunk->retain();
  }
  drop(page);
  page = copy;
}

SlotSlab::Entry& SlotSlab::writable_entry(uint32_t number) {
  Page*& page = pages_[number / kPageEntries];
  if (!page->is_unique()) [[unlikely]]
    unshare(page);
  return (*page)[number % kPageEntries];
}

void SlotSlab::set_chunk(Entry& entry, PackedChunk* chunk) {
  bytes_ += chunk->memory_bytes() - entry.chunk->memory_bytes();
  drop(entry.chunk);
  entry.chunk = chunk;
}

// ---- Rows

void SlotSlab::write(Entry& entry, uint32_t cell, const Row& row) {
  uint32_t capacity = entry.chunk->capacity();
  if (cell < capacity) {
    if (!entry.chunk->is_unique()) [[unlikely]]
      set_chunk(entry, entry.chunk->copy());
    if (entry.chunk->write(cell, row)) return;
  } else {
    capacity = std::min(4 * capacity, kSlots);
  }
  set_chunk(entry, entry.chunk->remade(capacity, entry.used, cell, row));
}

uint32_t SlotSlab::add(const Row& row) {
  if (roomy_ == kNone) return add_chunk(row);
  const uint32_t number = roomy_;
  Entry& entry = writable_entry(number);
  const auto cell = static_cast<uint32_t>(std::countr_one(entry.used));
  write(entry, cell, row);
  entry.used |= uint64_t{1} << cell;
  if (entry.used == kFull) unlink_roomy(number);
  return number * kSlots + cell;
}

void SlotSlab::replace(uint32_t slot, const Row& row) {
  write(writable_entry(slot / kSlots), slot % kSlots, row);
}

void SlotSlab::erase(uint32_t slot) {
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

// ---- Chunks

// Returns the slot of the row in it.
uint32_t SlotSlab::add_chunk(const Row& row) {
  const uint32_t number = vacant_ == kNone ? add_number() : vacant_;
  Entry& added = writable_entry(number);
  if (number == vacant_) vacant_ = added.next;
  added.chunk = PackedChunk::make(live_chunks_ == 0 ? kFirstCells : kSlots, row);
  added.used = 1;
  bytes_ += added.chunk->memory_bytes();
  ++live_chunks_;
  link_roomy(number);
  return number * kSlots;
}

uint32_t SlotSlab::add_number() {
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

void SlotSlab::link_roomy(uint32_t number) {
  Entry& entry = writable_entry(number);
  entry.previous = kNone;
  entry.next = roomy_;
  if (roomy_ != kNone) writable_entry(roomy_).previous = number;
  roomy_ = number;
}

void SlotSlab::unlink_roomy(uint32_t number) {
  const Entry leaving = entry_of(number);
  if (leaving.next != kNone) writable_entry(leaving.next).previous = leaving.previous;
  if (leaving.previous == kNone) {
    roomy_ = leaving.next;
  } else {
    writable_entry(leaving.previous).next = leaving.next;
  }
}

}  // namespace millrace::streams
