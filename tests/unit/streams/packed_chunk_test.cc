// PackedChunk: numbers of every width beside each other, and what they take.
#include "streams/packed_chunk.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "base/random.h"

namespace millrace::streams {
namespace {

using Row = PackedChunk::Row;

constexpr uint32_t kCells = PackedChunk::kCapacityMax;
constexpr uint64_t kMax = ~uint64_t{0};

struct Free {
  void operator()(PackedChunk* chunk) const { PackedChunk::free(chunk); }
};
using Chunk = std::unique_ptr<PackedChunk, Free>;

class PackedChunkTest : public testing::Test {
 protected:
  void put(uint32_t cell, const Row& row) {
    if (!chunk_) {
      ASSERT_EQ(cell, 0u);
      chunk_.reset(PackedChunk::make(kCells, row));
    } else if (!chunk_->write(cell, row)) {
      chunk_.reset(chunk_->remade(kCells, used(), cell, row));
      ++times_remade_;
    }
    twin_[cell] = row;
  }
  void expect_agreement() const {
    for (const auto& [cell, row] : twin_) {
      ASSERT_EQ(chunk_->row(cell), row) << "cell " << cell;
      for (uint32_t i = 0; i < PackedChunk::kColumns; ++i) ASSERT_EQ(chunk_->number(cell, i), row[i]);
    }
  }
  uint64_t used() const {
    uint64_t bits = 0;
    for (const auto& [cell, row] : twin_) bits |= uint64_t{1} << cell;
    return bits;
  }
  size_t bytes_per_row() const { return (chunk_->memory_bytes() - sizeof(PackedChunk)) / kCells; }

  Chunk chunk_;
  std::map<uint32_t, Row> twin_;
  int times_remade_ = 0;
};

TEST_F(PackedChunkTest, NumbersThatAreTheSameTakeNothing) {
  for (uint32_t cell = 0; cell < kCells; ++cell) put(cell, {kMax, 0, 1, kMax / 2, 7, kMax - 1});
  expect_agreement();
  EXPECT_EQ(bytes_per_row(), 0u);
  EXPECT_EQ(times_remade_, 0);
}

TEST_F(PackedChunkTest, ColumnsHaveTheirOwnWidths) {
  for (uint32_t cell = 0; cell < kCells; ++cell) {
    put(cell, {5, kMax - cell, uint64_t{cell} << 10, uint64_t{cell} << 20, uint64_t{cell} << 34, uint64_t{cell} << 58});
  }
  expect_agreement();
  EXPECT_EQ(bytes_per_row(), 0u + 1 + 2 + 4 + 5 + 8);
}

TEST_F(PackedChunkTest, EachWidthHoldsItsGreatestNumber) {
  for (const uint64_t base : {uint64_t{0}, uint64_t{1} << 40}) {
    for (int bytes = 1; bytes < 8; ++bytes) {
      chunk_.reset();
      twin_.clear();
      const uint64_t greatest = base + (uint64_t{1} << 8 * bytes) - 1;
      put(0, {base, base, base, base, base, base});
      put(1, {greatest, base, greatest, base, base, greatest});
      expect_agreement();
      EXPECT_EQ(bytes_per_row(), static_cast<size_t>(3 * bytes));
      put(2, {greatest + 1, greatest, base, base, base, base});
      expect_agreement();
      EXPECT_EQ(bytes_per_row(), static_cast<size_t>(4 * bytes + 1));
    }
  }
}

TEST_F(PackedChunkTest, AColumnThatIsMadeAnewFitsWhatIsLeft) {
  put(0, {0, 0, 0, 0, 0, 0});
  put(1, {kMax, 0, 0, 0, 0, 0});
  EXPECT_EQ(bytes_per_row(), 8u);
  twin_.erase(0);
  put(1, {kMax - 1, 0, 0, 0, 0, 0});
  twin_.erase(1);
  put(2, {9, 300, 0, 0, 0, 0});
  expect_agreement();
  EXPECT_EQ(bytes_per_row(), 8u);  // of the first column, where the row fitted
}

TEST_F(PackedChunkTest, AColumnThatIsMadeAnewNeedNotFitWhatIsReplaced) {
  put(0, {0, 0, 0, 0, 0, 0});
  put(0, {kMax / 2, 1, 300, 0, 0, 0});
  expect_agreement();
  EXPECT_EQ(bytes_per_row(), 0u);
}

TEST_F(PackedChunkTest, GrowsWithWhatIsInIt) {
  Chunk small(PackedChunk::make(4, {1, 2, 3, 4, 5, 6}));
  small.reset(small->remade(4, 1, 1, {1, 2, 3, 400, 5, 6}));
  const Chunk large(small->remade(16, 3, 15, {1, 2, 3, 4, 5, 7}));
  EXPECT_EQ(large->capacity(), 16u);
  EXPECT_EQ(large->row(0), (Row{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(large->row(1), (Row{1, 2, 3, 400, 5, 6}));
  EXPECT_EQ(large->row(15), (Row{1, 2, 3, 4, 5, 7}));
  EXPECT_EQ(small->capacity(), 4u);
  const Chunk copy(large->copy());
  EXPECT_EQ(copy->row(15), large->row(15));
  EXPECT_EQ(copy->memory_bytes(), large->memory_bytes());
}

// Cells are written as parts of words: none may touch its neighbours.
TEST_F(PackedChunkTest, AgreesWithAMap) {
  Random random(3);
  for (int life = 0; life < 300; ++life) {
    chunk_.reset();
    twin_.clear();
    put(0, {});
    const uint64_t bits = random.below(64);
    for (int step = 0; step < 100; ++step) {
      Row row = twin_.begin()->second;
      for (uint64_t& number : row) number += random.one_in(2) ? random.next() >> (63 - random.below(bits + 1)) : 0;
      put(static_cast<uint32_t>(random.below(kCells)), row);
      if (twin_.size() > 1 && random.one_in(3)) twin_.erase(twin_.begin());
      expect_agreement();
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(times_remade_, 2000);
}

}  // namespace
}  // namespace millrace::streams
