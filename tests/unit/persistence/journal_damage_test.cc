// Journals damaged in every way that disks have, at every place: what is taken is always an exact prefix, damage to
// what was durable is never cut, and no flipped bit goes unseen.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/random.h"
#include "journal_file.h"
#include "random_journal.h"

namespace millrace::persistence {
namespace {

constexpr size_t kSectorBytes = 512;

// The block that holds the byte at `offset`.
const WrittenBlock& block_at(const RandomJournal& journal, uint64_t offset) {
  return *std::ranges::find_if(journal.blocks(), [&](const WrittenBlock& block) { return offset < block.end; });
}

// What any annotation behind the block says was durable.
uint64_t synced_behind(const RandomJournal& journal, const WrittenBlock& block) {
  uint64_t synced = 0;
  for (const WrittenBlock& other : journal.blocks()) {
    if (other.begin > block.begin) synced = std::max(synced, other.synced);
  }
  return synced;
}

void expect_exact_prefix(const RandomJournal& journal, const std::string& bytes, const JournalCheck& check) {
  const auto commands = commands_of(bytes, check.valid_bytes);
  ASSERT_EQ(commands.size(), check.commands);
  ASSERT_LE(commands.size(), journal.commands().size());
  ASSERT_TRUE(std::equal(commands.begin(), commands.end(), journal.commands().begin()));
}

TEST(JournalDamage, CutAtEveryByteTheLastWholeBlockIsTheEnd) {
  const RandomJournal journal(1, {.blocks = 40});
  ASSERT_GT(journal.bytes().size(), 15'000u);
  uint64_t whole_up_to = journal.blocks()[0].begin;
  for (size_t size = whole_up_to; size <= journal.bytes().size(); ++size) {
    for (const WrittenBlock& block : journal.blocks()) {
      if (block.end == size) whole_up_to = size;
    }
    const std::string bytes = journal.bytes().substr(0, size);
    const auto check = check_of(bytes);
    ASSERT_EQ(check.valid_bytes, whole_up_to) << size;
    ASSERT_EQ(check.end, size == whole_up_to ? JournalEnd::kWhole : JournalEnd::kTorn) << size;
    if (size == whole_up_to) expect_exact_prefix(journal, bytes, check);
  }
}

TEST(JournalDamage, AFenceCutAnywhereIsCutOff) {
  const std::string fence = JournalFile::created().bytes();
  for (size_t size = 1; size < fence.size(); ++size) {
    const auto check = check_of(fence.substr(0, size));
    ASSERT_EQ(check.end, JournalEnd::kTorn) << size;
    ASSERT_EQ(check.valid_bytes, 0u) << size;
  }
}

TEST(JournalDamage, EveryFlippedBitIsFoundAndDurableDamageRefused) {
  const RandomJournal journal(2, {.blocks = 12, .commands_max = 4, .value_bytes_max = 60});
  ASSERT_GT(journal.bytes().size(), 2000u);
  size_t refused = 0;
  for (size_t bit = 8 * journal.blocks()[0].begin; bit < 8 * journal.bytes().size(); ++bit) {
    std::string bytes = journal.bytes();
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    const WrittenBlock& block = block_at(journal, bit / 8);
    const auto check = check_of(bytes);
    const bool was_durable = synced_behind(journal, block) > block.begin;
    ASSERT_EQ(check.end, was_durable ? JournalEnd::kCorrupt : JournalEnd::kTorn) << bit;
    ASSERT_EQ(check.valid_bytes, block.begin) << bit;
    ASSERT_GE(check.damage_offset, block.begin) << bit;
    ASSERT_LT(check.damage_offset, bytes.size()) << bit;
    if (was_durable) ++refused;
  }
  EXPECT_GT(refused, 0u);
  EXPECT_LT(refused, 8 * journal.bytes().size());
}

// A block that selects a database may be Redis's if its annotation is not found, so its whole commands count.
TEST(JournalDamage, EveryFlippedBitOfBlocksThatSelectADatabaseIsFoundToo) {
  const RandomJournal journal(7, {.blocks = 8, .commands_max = 4, .value_bytes_max = 60, .databases = true});
  for (size_t bit = 8 * journal.blocks()[0].begin; bit < 8 * journal.bytes().size(); ++bit) {
    std::string bytes = journal.bytes();
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    const WrittenBlock& block = block_at(journal, bit / 8);
    const auto check = check_of(bytes);
    const bool was_durable = synced_behind(journal, block) > block.begin;
    ASSERT_EQ(check.end, was_durable ? JournalEnd::kCorrupt : JournalEnd::kTorn) << bit;
    ASSERT_GE(check.valid_bytes, block.begin) << bit;
    ASSERT_LE(check.valid_bytes, bit / 8) << bit;
  }
}

TEST(JournalDamage, EveryFlippedBitOfTheFirstFenceIsFound) {
  const RandomJournal journal(3, {.blocks = 3});
  for (size_t bit = 0; bit < 8 * journal.blocks()[0].begin; ++bit) {
    std::string bytes = journal.bytes();
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    ASSERT_EQ(check_of(bytes).end, JournalEnd::kCorrupt) << bit;
    ASSERT_EQ(check_of(bytes).damage_offset, 0u) << bit;
  }
}

TEST(JournalDamage, ZeroAndGarbageTailsOfAnyLengthAreCut) {
  Random random(4);
  for (int round = 0; round < 300; ++round) {
    const RandomJournal journal(random.next(), {.blocks = 5});
    std::string bytes = journal.bytes();
    const size_t tail = 1 + random.below(3 * kSectorBytes);
    const bool zeros = random.one_in(2);
    for (size_t i = 0; i < tail; ++i) bytes.push_back(zeros ? '\0' : static_cast<char>(random.next() | 0x80));
    const auto check = check_of(bytes, 1 + random.below(2000));
    ASSERT_EQ(check.end, JournalEnd::kTorn) << round;
    ASSERT_EQ(check.valid_bytes, journal.bytes().size()) << round;
    ASSERT_EQ(check.damage_offset, journal.bytes().size()) << round;
  }
}

// Sectors behind what was synced never came, or came as something else; the file may have become shorter too.
std::string torn(const RandomJournal& journal, Random& random) {
  std::string bytes = journal.bytes();
  const size_t synced = journal.synced();
  for (size_t sector = synced / kSectorBytes; sector * kSectorBytes < bytes.size(); ++sector) {
    if (!random.one_in(4)) continue;
    const size_t from = std::max(synced, sector * kSectorBytes);
    const size_t to = std::min(bytes.size(), (sector + 1) * kSectorBytes);
    const bool zeros = !random.one_in(4);
    for (size_t i = from; i < to; ++i) bytes[i] = zeros ? '\0' : static_cast<char>(random.next());
  }
  if (random.one_in(3)) bytes.resize(synced + random.below(bytes.size() - synced + 1));
  return bytes;
}

TEST(JournalDamage, WhateverSectorsOfTheUnsyncedTailAreLostAnExactPrefixRemains) {
  Random random(5);
  size_t torn_count = 0;
  for (int round = 0; round < 600; ++round) {
    const uint64_t seed = random.next();
    const RandomJournal journal(seed, {.blocks = 8, .value_bytes_max = 2000, .sync_one_in = 6});
    const std::string bytes = torn(journal, random);
    const auto check = check_of(bytes, 1 + random.below(5000));
    ASSERT_NE(check.end, JournalEnd::kCorrupt) << seed << ": " << describe(check);
    ASSERT_GE(check.valid_bytes, journal.synced()) << seed;
    expect_exact_prefix(journal, bytes, check);
    if (check.end == JournalEnd::kTorn) ++torn_count;
  }
  EXPECT_GT(torn_count, 300u);
}

TEST(JournalDamage, WhateverSectorsOfTheSyncedPartAreLostTheFileIsRefused) {
  Random random(6);
  size_t refused = 0;
  for (int round = 0; round < 500; ++round) {
    const uint64_t seed = random.next();
    const RandomJournal journal(seed, {.blocks = 12, .value_bytes_max = 500});
    std::string bytes = journal.bytes();
    const size_t at = random.below(bytes.size() / kSectorBytes) * kSectorBytes;
    const size_t from = std::max<size_t>(at, journal.blocks()[0].begin);
    for (size_t i = from; i < at + kSectorBytes; ++i) bytes[i] = '\0';
    const WrittenBlock& block = block_at(journal, from);
    const WrittenBlock& last = block_at(journal, at + kSectorBytes - 1);
    const auto check = check_of(bytes, 1 + random.below(5000));
    const bool is_known = synced_behind(journal, last) > block.begin;
    ASSERT_EQ(check.valid_bytes, block.begin) << seed;
    ASSERT_TRUE(!is_known || check.end == JournalEnd::kCorrupt) << seed;
    if (is_known) ++refused;
  }
  EXPECT_GT(refused, 100u);
}

TEST(JournalDamage, AFileOfRedissCutAtEveryByteEndsWithItsLastCommandOutsideOfATransaction) {
  const std::string add = encoded({"XADD", "s", "1-1", "f", "v"});
  const std::string transaction = encoded({"MULTI"}) + add + add + encoded({"EXEC"});
  const std::string bytes = encoded({"SELECT", "0"}) + add + transaction + add + "#TS:1700000000\r\n" + add;
  std::vector<size_t> ends = {0};
  for (const std::string& part :
       {encoded({"SELECT", "0"}), add, transaction, add, std::string("#TS:1700000000\r\n"), add}) {
    ends.push_back(ends.back() + part.size());
  }
  size_t valid = 0;
  for (size_t size = 0; size <= bytes.size(); ++size) {
    if (std::ranges::find(ends, size) != ends.end()) valid = size;
    const auto check = check_of(bytes.substr(0, size));
    ASSERT_EQ(check.valid_bytes, valid) << size;
    ASSERT_EQ(check.end, size == valid ? JournalEnd::kWhole : JournalEnd::kTorn) << size;
  }
}

}  // namespace
}  // namespace millrace::persistence
