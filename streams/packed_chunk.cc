// See packed_chunk.h.
#include "streams/packed_chunk.h"

#include <algorithm>
#include <bit>
#include <new>

#include "base/check.h"

namespace millrace::streams {

static_assert(std::endian::native == std::endian::little, "cells are read and written in place");

namespace {

uint8_t bytes_for(uint64_t distance) {
  return static_cast<uint8_t>((std::bit_width(distance) + 7) / 8);
}

}  // namespace

// With the columns of `layout`; the cells are not set.
PackedChunk* PackedChunk::allocate(const PackedChunk& layout, uint32_t capacity) {
  const size_t bytes = sizeof(PackedChunk) + size_t{capacity} * layout.starts_[kColumns];
  auto* const chunk = new (::operator new(bytes)) PackedChunk(capacity);
  std::copy(std::begin(layout.starts_), std::end(layout.starts_), chunk->starts_);
  std::copy(std::begin(layout.bases_), std::end(layout.bases_), chunk->bases_);
  return chunk;
}

PackedChunk* PackedChunk::make(uint32_t capacity, const Row& row) {
  PackedChunk layout(capacity);
  std::copy(row.begin(), row.end(), layout.bases_);
  return allocate(layout, capacity);
}

PackedChunk* PackedChunk::copy() const {
  PackedChunk* const chunk = allocate(*this, capacity_);
  std::memcpy(chunk->column(0), column(0), memory_bytes() - sizeof(*this));
  return chunk;
}

void PackedChunk::free(PackedChunk* chunk) {
  chunk->~PackedChunk();
  ::operator delete(chunk);
}

// Takes the columns of `source`, and those where the row does not fit as narrow as they can be.
void PackedChunk::narrow(const PackedChunk& source, uint64_t used, const Row& row) {
  for (uint32_t column = 0; column < kColumns; ++column) {
    uint64_t low = source.bases_[column];
    auto bytes = static_cast<uint8_t>(source.width(column));
    if (!source.fits(column, row[column])) {
      low = row[column];
      uint64_t high = low;
      for (uint64_t left = used; left != 0; left &= left - 1) {
        const uint64_t number = source.number(static_cast<uint32_t>(std::countr_zero(left)), column);
        low = std::min(low, number);
        high = std::max(high, number);
      }
      bytes = bytes_for(high - low);
    }
    bases_[column] = low;
    starts_[column + 1] = static_cast<uint8_t>(starts_[column] + bytes);
  }
}

PackedChunk* PackedChunk::remade(uint32_t capacity, uint64_t used, uint32_t cell, const Row& row) const {
  DCHECK(capacity >= capacity_ && cell < capacity);
  used &= ~(uint64_t{1} << cell);
  PackedChunk layout(capacity);
  layout.narrow(*this, used, row);
  PackedChunk* const chunk = allocate(layout, capacity);
  for (uint32_t at = 0; at < kColumns; ++at) {
    if (chunk->width(at) == width(at) && chunk->bases_[at] == bases_[at]) {
      std::memcpy(chunk->column(at), column(at), size_t{capacity_} * width(at));
      continue;
    }
    for (uint64_t left = used; left != 0; left &= left - 1) {
      const auto each = static_cast<uint32_t>(std::countr_zero(left));
      chunk->put_number(each, at, number(each, at));
    }
  }
  CHECK(chunk->write(cell, row));
  return chunk;
}

}  // namespace millrace::streams
