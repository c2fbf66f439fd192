// PackedChunk: rows of whole numbers, each column as narrow as its numbers allow.
//
//   | references | capacity | starts | bases | cells of column 0 | cells of column 1 | ...
//
// A cell holds how far its number lies above the base of its column, in as many bytes (0 to 8) as the column is wide.
// Numbers that are alike, or follow each other, so take a byte or nothing, and the widest take what they are. starts[c]
// is the width of all columns left of c together; with capacity for n rows, column c begins behind n * starts[c] bytes.
//
// Which cells are in use is the owner's to know. A row that does not fit is written to a chunk that was made anew.
// A chunk that is_unique() may be changed; others are copied first. The count is atomic, the rest is not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/ref.h"

namespace millrace::streams {

class PackedChunk {
 public:
  static constexpr uint32_t kColumns = 6;
  static constexpr uint32_t kCapacityMax = 64;
  using Row = std::array<uint64_t, kColumns>;

  PackedChunk(const PackedChunk&) = delete;
  PackedChunk& operator=(const PackedChunk&) = delete;

  // With one reference, and the row in cell 0.
  static PackedChunk* make(uint32_t capacity, const Row& row);
  PackedChunk* copy() const;
  // What is in the cells of `used`, one bit for each, with the row in another one. Columns where it fits stay as they
  // are, the others become as narrow as can be. REQUIRES: capacity >= capacity().
  [[gnu::noinline]] PackedChunk* remade(uint32_t capacity, uint64_t used, uint32_t cell, const Row& row) const;
  // REQUIRES: release() was true, or is_unique().
  static void free(PackedChunk* chunk);

  void retain() const { references_.retain(); }
  [[nodiscard]] bool release() const { return references_.release(); }
  bool is_unique() const { return references_.is_unique(); }

  uint32_t capacity() const { return capacity_; }
  size_t memory_bytes() const { return sizeof(*this) + size_t{capacity_} * starts_[kColumns]; }

  uint64_t number(uint32_t cell, uint32_t column) const {
    const uint32_t bytes = width(column);
    return bytes == 0 ? bases_[column] : bases_[column] + (load(cell_end(cell, column) - kWord) >> spare_bits(bytes));
  }
  Row row(uint32_t cell) const {
    Row row;
    for (uint32_t column = 0; column < kColumns; ++column) row[column] = number(cell, column);
    return row;
  }
  // False if a column is too narrow: then there is nothing to be read in the cell.
  bool write(uint32_t cell, const Row& row) {
    uint64_t beyond = 0;
    uint8_t* word = column(0) - kWord;
#pragma GCC unroll 6
    for (uint32_t at = 0; at < kColumns; ++at) {
      const uint32_t bytes = width(at);
      const uint64_t distance = row[at] - bases_[at];
      beyond |= bits_beyond(bytes, distance);
      if (bytes == 0) continue;
      put(word + (cell + 1) * bytes, bytes, distance);
      word += capacity_ * bytes;
    }
    return beyond == 0;
  }

 private:
  static constexpr size_t kWord = sizeof(uint64_t);

  explicit PackedChunk(uint32_t capacity) : capacity_(static_cast<uint8_t>(capacity)) {}
  ~PackedChunk() = default;

  static PackedChunk* allocate(const PackedChunk& layout, uint32_t capacity);
  void narrow(const PackedChunk& source, uint64_t used, const Row& row);

  // A cell is read and written as the last bytes of a word, whose other bytes belong to the cells or the header before.
  static uint64_t load(const uint8_t* at) {
    uint64_t word;
    std::memcpy(&word, at, kWord);
    return word;
  }
  static uint32_t spare_bits(uint32_t width) {
    return 64 - 8 * width;
  }

  uint32_t width(uint32_t column) const {
    return uint32_t{starts_[column + 1]} - starts_[column];
  }
  const uint8_t* column(uint32_t column) const {
    return reinterpret_cast<const uint8_t*>(this) + sizeof(*this) + size_t{capacity_} * starts_[column];
  }
  uint8_t* column(uint32_t column) {
    return const_cast<uint8_t*>(std::as_const(*this).column(column));
  }
  const uint8_t* cell_end(uint32_t cell, uint32_t at) const {
    return column(at) + (cell + 1) * width(at);
  }
  // Not 0 if the distance takes more bytes than that.
  static uint64_t bits_beyond(uint32_t bytes, uint64_t distance) {
    return distance >> 4 * bytes >> 4 * bytes;
  }
  bool fits(uint32_t column, uint64_t number) const {
    return bits_beyond(width(column), number - bases_[column]) == 0;
  }
  void put_number(uint32_t cell, uint32_t column, uint64_t number) {
    const uint32_t bytes = width(column);
    if (bytes != 0) put(const_cast<uint8_t*>(cell_end(cell, column)) - kWord, bytes, number - bases_[column]);
  }
  // `at` is where the word begins that ends with the cell.
  static void put(uint8_t* at, uint32_t bytes, uint64_t distance) {
    const uint64_t before = load(at) & ((uint64_t{1} << spare_bits(bytes)) - 1);
    const uint64_t word = before | distance << spare_bits(bytes);
    std::memcpy(at, &word, kWord);
  }

  ReferenceCount references_;
  uint8_t capacity_;
  uint8_t starts_[kColumns + 1] = {};
  uint64_t bases_[kColumns] = {};
};

static_assert(sizeof(PackedChunk) == 64);

}  // namespace millrace::streams
