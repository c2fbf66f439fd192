// The check of a journal: what counts, what is cut, what is refused, case by case.
#include "persistence/journal_check.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "journal_file.h"

namespace millrace::persistence {
namespace {

const Words kAdd = {"XADD", "s", "1-1", "field", "value"};
const Words kSelect = {"SELECT", "0"};
const std::string kAddBytes = encoded(kAdd);
const std::string kZeros(1000, '\0');

std::string at_to(const char* kind, uint64_t at, uint64_t to, const char* text) {
  return std::string(kind) + " at " + std::to_string(at) + " to " + std::to_string(to) + ": " + text;
}

// Two blocks that are durable, and say so, and one that may be.
struct ThreeBlocks {
  ThreeBlocks() {
    first = file.size();
    file.flush(kAdd);
    file.sync();
    second = file.size();
    file.flush(kAdd);
    file.sync();
    third = file.size();
    file.flush(kAdd);
  }
  JournalFile file = JournalFile::created();
  uint64_t first, second, third;  // where they begin
};

TEST(JournalCheck, NothingIsWhole) {
  EXPECT_EQ(verdict(check_of("")), "whole");
  EXPECT_EQ(check_of("").valid_bytes, 0u);
}

TEST(JournalCheck, AWholeFileIsCounted) {
  const ThreeBlocks three;
  const auto check = check_of(three.file.bytes());
  EXPECT_EQ(verdict(check), "whole");
  EXPECT_EQ(check.valid_bytes, three.file.size());
  EXPECT_EQ(check.commands, 3u);
  EXPECT_EQ(check.blocks, 4u);
  EXPECT_EQ(check.unverified_bytes, 0u);
  EXPECT_EQ(check.synced_bytes, three.third);
  EXPECT_EQ(describe(check), "whole, " + std::to_string(three.file.size()) + " bytes");
}

TEST(JournalCheck, OffsetsCountFromTheStartOfTheFile) {
  constexpr uint64_t kRdbBytes = 1000;
  std::string bytes = annotated("", kRdbBytes);
  const uint64_t cut_at = kRdbBytes + bytes.size();
  bytes += "*1\r\n";
  WholeSource source(bytes);
  const auto check = check_journal(source, kRdbBytes + bytes.size(), {.begin = kRdbBytes});
  EXPECT_EQ(verdict(check), at_to("torn", cut_at, cut_at, "the file ends within a command or a line"));
}

TEST(JournalCheck, AFileOfRedissIsWhole) {
  const auto check = check_of(encoded(kSelect) + "#TS:1700000000\r\n" + kAddBytes + kAddBytes);
  EXPECT_EQ(verdict(check), "whole");
  EXPECT_EQ(check.commands, 3u);
  EXPECT_EQ(check.blocks, 0u);
  EXPECT_EQ(check.unverified_bytes, check.valid_bytes);
}

TEST(JournalCheck, AFileOfRedissIsTreatedAsRedisTreatsIt) {
  const std::string whole = encoded(kSelect) + kAddBytes;
  const uint64_t size = whole.size();
  EXPECT_EQ(verdict(check_of(whole + "*1\r\n$4\r\nPI")),
            at_to("torn", size, size, "the file ends within a command or a line"));
  EXPECT_EQ(verdict(check_of(whole + "*1\r\n$5\r\nMULTI\r\n" + kAddBytes)),
            at_to("torn", size, size, "a transaction without its EXEC"));
  EXPECT_EQ(verdict(check_of(whole + kZeros)), at_to("corrupt", size, size, "zeros where a command should begin"));
  EXPECT_EQ(verdict(check_of(whole + "PING\r\n" + whole)),
            at_to("corrupt", size, size, "neither a command nor a line that may be passed over"));
}

TEST(JournalCheck, OtherLinesOfRedissArePassedOver) {
  EXPECT_EQ(verdict(check_of("#SOME:thing\n" + kAddBytes)), "whole");
  EXPECT_EQ(verdict(check_of("#" + std::string(kCommentBytesMax - 2, 'x') + "\n" + kAddBytes)), "whole");
  EXPECT_EQ(verdict(check_of("#" + std::string(kCommentBytesMax - 1, 'x') + "\n" + kAddBytes)),
            at_to("corrupt", 0, 0, "a line beginning with # is too long"));
}

TEST(JournalCheck, CommandsAreWellFormed) {
  for (const char* command :
       {"*0\r\n", "*-1\r\n", "*01\r\n$1\r\na\r\n", "*1\n$1\r\na\r\n", "*1\r\n$-1\r\n", "*1\r\n$1\r\nab\r\n",
        "*1\r\n$01\r\na\r\n", "*1\r\n$1\r\na\n\n", "*1\r\n:1\r\n", "*1048577\r\n$1\r\na\r\n", "*1\r\n$536870913\r\n",
        "*1\r\n$99999999999999999999\r\n", "*\r\n", "*1x\r\n", "* 1\r\n"}) {
    const auto check = check_of(kAddBytes + command + kAddBytes);
    EXPECT_EQ(check.end, JournalEnd::kCorrupt) << command;
    EXPECT_EQ(check.damage_offset, kAddBytes.size()) << command;
    EXPECT_EQ(check.valid_bytes, kAddBytes.size()) << command;
  }
}

TEST(JournalCheck, HugeNumbersSizeNothing) {
  std::string bytes = "*1048576\r\n$536870912\r\n";
  EXPECT_EQ(verdict(check_of(bytes)), at_to("torn", 0, 0, "the file ends within a command or a line"));
}

TEST(JournalCheck, WhatRedisAppendedCounts) {
  ThreeBlocks three;
  three.file.append_raw("#TS:1700000000\r\n" + encoded(kSelect) + kAddBytes);
  auto check = check_of(three.file.bytes());
  EXPECT_EQ(verdict(check), "whole");
  EXPECT_EQ(check.commands, 5u);
  EXPECT_EQ(check.unverified_bytes, 16 + encoded(kSelect).size() + kAddBytes.size());

  const uint64_t size = three.file.size();
  three.file.append_raw("*1\r\n");
  EXPECT_EQ(verdict(check_of(three.file.bytes())),
            at_to("torn", size, size, "the file ends within a command or a line"));
}

TEST(JournalCheck, WhatRedisAppendedMayBeginWithATransaction) {
  ThreeBlocks three;
  three.file.append_raw(encoded({"MULTI"}) + encoded(kSelect) + kAddBytes + encoded({"EXEC"}));
  EXPECT_EQ(verdict(check_of(three.file.bytes())), "whole");
  const uint64_t size = three.file.size();
  three.file.append_raw(encoded({"MULTI"}) + kAddBytes);
  EXPECT_EQ(verdict(check_of(three.file.bytes())), at_to("torn", size, size, "a transaction without its EXEC"));
}

TEST(JournalCheck, WhatRedisAppendedCountsBehindABlockThatItCut) {
  ThreeBlocks three;
  three.file.append_raw(kAddBytes);
  three.file.append_raw(encoded(kSelect) + kAddBytes);
  EXPECT_EQ(verdict(check_of(three.file.bytes())), "whole");
  EXPECT_EQ(check_of(three.file.bytes()).commands, 6u);
  const uint64_t size = three.file.size();
  three.file.append_raw("*1\r\n");
  EXPECT_EQ(verdict(check_of(three.file.bytes())),
            at_to("torn", size, size, "the file ends within a command or a line"));
}

TEST(JournalCheck, WhatStandsBeforeAFenceCounts) {
  ThreeBlocks three;
  three.file.append_raw(kAddBytes);
  three.file.sync();
  three.file.fence();
  three.file.flush(kAdd);
  const auto check = check_of(three.file.bytes());
  EXPECT_EQ(verdict(check), "whole");
  EXPECT_EQ(check.commands, 5u);
  EXPECT_EQ(check.unverified_bytes, kAddBytes.size());
}

TEST(JournalCheck, ABlockOfOursWithoutItsAnnotationDoesNotCount) {
  ThreeBlocks three;
  const uint64_t size = three.file.size();
  three.file.append_raw(kAddBytes);
  EXPECT_EQ(verdict(check_of(three.file.bytes())), at_to("torn", size, size, "a block without its annotation"));
  const uint64_t second = three.file.size();
  three.file.append_raw(kZeros);
  EXPECT_EQ(verdict(check_of(three.file.bytes())), at_to("torn", second, size, "zeros where a command should begin"));
}

TEST(JournalCheck, ATornFirstFlushIsCutBehindTheFence) {
  JournalFile file = JournalFile::created();
  const uint64_t size = file.size();
  file.append_raw(kZeros);
  EXPECT_EQ(verdict(check_of(file.bytes())), at_to("torn", size, size, "zeros where a command should begin"));
}

TEST(JournalCheck, ZeroAndGarbageTailsAreCut) {
  const ThreeBlocks three;
  const uint64_t size = three.file.size();
  for (const std::string& tail : {kZeros, std::string("garbage"), std::string("*1\r\n$4\r\nPINGxx"), std::string("#"),
                                  std::string("#XX\r\n"), std::string("#MR:14:oops\r\n"), std::string(1, '\0')}) {
    const auto check = check_of(three.file.bytes() + tail);
    EXPECT_EQ(check.end, JournalEnd::kTorn) << tail;
    EXPECT_EQ(check.damage_offset, size) << tail;
    EXPECT_EQ(check.valid_bytes, size) << tail;
    EXPECT_EQ(check.commands, 3u) << tail;
  }
}

TEST(JournalCheck, DamageToWhatWasDurableIsRefused) {
  const ThreeBlocks three;
  std::string bytes = three.file.bytes();
  bytes[three.first + kAddBytes.size() - 3] ^= 1;  // within "value"
  EXPECT_EQ(verdict(check_of(bytes)), at_to("corrupt", three.first, three.first, "a checksum does not match"));
  EXPECT_EQ(describe(check_of(bytes)),
            "damaged at offset 26 (a checksum does not match); valid up to offset 26, known durable up to " +
                std::to_string(three.third));
}

TEST(JournalCheck, DamageToWhatWasNeverKnownDurableIsCut) {
  const ThreeBlocks three;
  std::string bytes = three.file.bytes();
  bytes[three.third + kAddBytes.size() - 3] ^= 1;
  EXPECT_EQ(verdict(check_of(bytes)), at_to("torn", three.third, three.third, "a checksum does not match"));
}

TEST(JournalCheck, AFenceAtTheEndVouchesForTheLastBlock) {
  ThreeBlocks three;
  three.file.sync();
  three.file.fence();
  std::string bytes = three.file.bytes();
  bytes[three.third + kAddBytes.size() - 3] ^= 1;
  EXPECT_EQ(verdict(check_of(bytes)), at_to("corrupt", three.third, three.third, "a checksum does not match"));
}

TEST(JournalCheck, TornSectorsWithValidAnnotationsBehindThemAreCut) {
  ThreeBlocks three;
  const uint64_t fourth = three.file.size();
  three.file.flush(kAdd);
  three.file.flush(kAdd);
  std::string bytes = three.file.bytes();
  bytes.replace(fourth, kAddBytes.size(), kAddBytes.size(), '\0');
  EXPECT_EQ(verdict(check_of(bytes)), at_to("torn", fourth, fourth, "zeros where a command should begin"));
}

TEST(JournalCheck, AnAnnotationSwallowedByALengthIsFound) {
  ThreeBlocks three;
  three.file.sync();
  three.file.fence();
  std::string bytes = three.file.bytes();
  // The last argument of the first block now claims to go on beyond the file.
  const size_t length = bytes.find("$5\r\nvalue", three.first);
  bytes.replace(length, 9, "$900000\r\n");
  EXPECT_EQ(check_of(bytes).end, JournalEnd::kCorrupt);
  EXPECT_EQ(check_of(bytes, 7).end, JournalEnd::kCorrupt);
  EXPECT_EQ(check_of(bytes).damage_offset, three.first);
  EXPECT_EQ(check_of(bytes).synced_bytes, three.file.synced());
}

TEST(JournalCheck, AnAnnotationSwallowedToTheVeryEndIsFound) {
  JournalFile file = JournalFile::created();
  file.add(kSelect);  // so that it could be Redis's
  file.flush({"XADD", "s", "1-1", "field", std::string(20, 'v')});
  const std::string& bytes = file.bytes();
  const size_t value = bytes.find("vvv");
  const size_t swallowed = bytes.size() - value - 2;
  ASSERT_LT(swallowed, 100u);
  std::string longer = bytes;
  longer.replace(longer.find("$20\r\n"), 5, "$" + std::to_string(swallowed) + "\r\n");
  const auto check = check_of(longer);
  EXPECT_EQ(check.end, JournalEnd::kCorrupt);
  EXPECT_EQ(check.damage, "a block whose annotation lies within a command");
}

TEST(JournalCheck, AnnotationsInValuesMeanNothing) {
  JournalFile file = JournalFile::created();
  file.flush({"XADD", "s", "1-1", "copy", annotated("", 5) + annotated(kAddBytes, 20)});
  file.flush(kAdd);
  EXPECT_EQ(verdict(check_of(file.bytes())), "whole");
  const uint64_t size = file.size();
  EXPECT_EQ(verdict(check_of(file.bytes() + kZeros)), at_to("torn", size, size, "zeros where a command should begin"));
}

TEST(JournalCheck, ATransactionIsWholeOrNotThere) {
  JournalFile file = JournalFile::created();
  file.flush(kAdd);
  const uint64_t multi = file.size();
  file.add({"multi"});
  file.flush(kAdd);
  file.sync();
  file.flush(kAdd);
  EXPECT_EQ(verdict(check_of(file.bytes())), at_to("torn", multi, multi, "a transaction without its EXEC"));
  EXPECT_EQ(check_of(file.bytes()).commands, 1u);
  file.flush({"exec"});
  EXPECT_EQ(verdict(check_of(file.bytes())), "whole");
  EXPECT_EQ(check_of(file.bytes()).commands, 5u);
}

TEST(JournalCheck, AnAnnotationThatBecameSomethingElseIsFound) {
  const ThreeBlocks three;
  std::string bytes = three.file.bytes();
  const uint64_t annotation = bytes.find("#MR", three.second);
  const std::string timestamp = "#TS:1\r\n";
  const std::string other = "#TS:" + std::string(three.third - annotation - timestamp.size() - 6, '1') + "\r\n";
  bytes.replace(annotation, three.third - annotation, timestamp + other);
  EXPECT_EQ(verdict(check_of(bytes)),
            at_to("corrupt", three.second, three.second, "a block is not as long as its annotation says"));
}

TEST(JournalCheck, AnAnnotationIsNotBelievedToBeAheadOfItself) {
  JournalFile file = JournalFile::created();
  const uint64_t size = file.size();
  file.append_raw(annotated(kAddBytes, 1'000'000));
  EXPECT_EQ(verdict(check_of(file.bytes())), at_to("torn", size, size, "an annotation with impossible numbers"));
}

TEST(JournalCheck, WhatCouldNotBeReadIsNeverCut) {
  const ThreeBlocks three;
  WholeSource source(std::string_view(three.file.bytes()).substr(0, three.third + 5));
  const auto check = check_journal(source, three.file.size(), {});
  EXPECT_EQ(check.end, JournalEnd::kCorrupt);
  EXPECT_EQ(check.damage, "reading stopped before the end of the file");
  EXPECT_EQ(check.damage_offset, three.third + 5);
}

TEST(JournalCheck, LimitsAreTheCallers) {
  WholeSource source(kAddBytes);
  EXPECT_EQ(check_journal(source, kAddBytes.size(), {.argument_count_max = 4}).end, JournalEnd::kCorrupt);
  source = WholeSource(kAddBytes);
  EXPECT_EQ(check_journal(source, kAddBytes.size(), {.argument_bytes_max = 4}).end, JournalEnd::kCorrupt);
  source = WholeSource(kAddBytes);
  EXPECT_EQ(check_journal(source, kAddBytes.size(), {.argument_count_max = 5, .argument_bytes_max = 5}).end,
            JournalEnd::kWhole);
}

TEST(JournalCheck, AnswersDoNotDependOnHowTheSourceIsCut) {
  const ThreeBlocks three;
  const std::string damaged = three.file.bytes() + "*1\r\n" + kZeros;
  for (size_t source_block = 1; source_block < 200; ++source_block) {
    ASSERT_EQ(verdict(check_of(three.file.bytes(), source_block)), "whole") << source_block;
    ASSERT_EQ(verdict(check_of(damaged, source_block)), verdict(check_of(damaged))) << source_block;
  }
}

}  // namespace
}  // namespace millrace::persistence
