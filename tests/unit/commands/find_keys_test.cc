// Where the keys of a command are, for every kind of key specification and for hostile counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "commands/command_table.h"

namespace millrace::commands {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Positions = std::vector<uint32_t>;

std::vector<std::string_view> words(std::string_view line) {
  return split_words(line, ' ');
}

// The keys by name, or "?" if the arguments cannot be understood.
std::vector<std::string_view> keys_of(const CommandSpec& spec, std::string_view line) {
  const std::vector<std::string_view> args = words(line);
  Positions positions = {77};
  if (!find_keys(spec, args, positions)) return {"?"};
  std::vector<std::string_view> keys;
  for (const uint32_t position : positions) keys.push_back(args[position]);
  return keys;
}

CommandSpec with_keys(std::vector<KeySpec> keys) {
  CommandSpec spec;
  spec.keys = std::move(keys);
  return spec;
}

CommandSpec xread() {
  CommandSpec spec;
  spec.find_keys = find_xread_keys;
  return spec;
}

TEST(FindKeys, OneKey) {
  const CommandSpec spec = with_keys({{}});
  EXPECT_THAT(keys_of(spec, "xlen a"), ElementsAre("a"));
  EXPECT_THAT(keys_of(spec, "xlen"), ElementsAre("?"));
}

TEST(FindKeys, ARangeToTheEndAndBySteps) {
  EXPECT_THAT(keys_of(with_keys({{.last = -1}}), "del a b c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(keys_of(with_keys({{.last = -1, .step = 2}}), "mset a 1 b 2"), ElementsAre("a", "b"));
  EXPECT_THAT(keys_of(with_keys({{.last = -2}}), "blpop a b 0"), ElementsAre("a", "b"));
  EXPECT_THAT(keys_of(with_keys({{.last = -2}}), "blpop a"), ElementsAre("?"));
}

TEST(FindKeys, SeveralSpecifications) {
  EXPECT_THAT(keys_of(with_keys({{}, {.begin_index = 2}}), "rename a b"), ElementsAre("a", "b"));
}

TEST(FindKeys, NoSpecificationIsNoKeys) {
  EXPECT_THAT(keys_of(with_keys({}), "ping a"), IsEmpty());
}

TEST(FindKeys, AKeywordForwardAndBackward) {
  const KeySpec forward{
      .begin = KeySpec::Begin::kKeyword, .begin_index = 1, .keyword = "STREAMS", .last = -1, .limit = 2};
  EXPECT_THAT(keys_of(with_keys({forward}), "xread COUNT 1 streams a b 0 0"), ElementsAre("a", "b"));
  EXPECT_THAT(keys_of(with_keys({forward}), "xread COUNT 1"), IsEmpty());
  EXPECT_THAT(keys_of(with_keys({forward}), "xread streams"), ElementsAre("?"));
  const KeySpec backward{.begin = KeySpec::Begin::kKeyword, .begin_index = -2, .keyword = "KEYS"};
  EXPECT_THAT(keys_of(with_keys({backward}), "x keys a keys b"), ElementsAre("b"));
}

TEST(FindKeys, ACountOfKeysIsNotTrusted) {
  const CommandSpec spec = with_keys({{.begin_index = 2, .find = KeySpec::Find::kKeyNum, .first_key = 1}});
  EXPECT_THAT(keys_of(spec, "eval x 2 a b c"), ElementsAre("a", "b"));
  for (const char* line :
       {"eval x 9 a b", "eval x 0 a", "eval x -1 a", "eval x 9223372036854775807 a", "eval x y a", "eval x"}) {
    EXPECT_THAT(keys_of(spec, line), ElementsAre("?")) << line;
  }
}

TEST(FindKeys, XreadReadsItsOptions) {
  EXPECT_THAT(keys_of(xread(), "XREAD STREAMS a 0"), ElementsAre("a"));
  EXPECT_THAT(keys_of(xread(), "xread block 5 count 3 maxcount 7 maxsize 9 streams a b $ $"), ElementsAre("a", "b"));
  EXPECT_THAT(keys_of(xread(), "xreadgroup GROUP g c NOACK CLAIM 5 STREAMS a >"), ElementsAre("a"));
}

TEST(FindKeys, AGroupAConsumerOrAKeyMayBeNamedStreams) {
  EXPECT_THAT(keys_of(xread(), "xreadgroup GROUP STREAMS STREAMS COUNT 2 STREAMS STREAMS >"), ElementsAre("STREAMS"));
  EXPECT_THAT(keys_of(xread(), "xreadgroup GROUP g streams streams k1 k2 > >"), ElementsAre("k1", "k2"));
  EXPECT_THAT(keys_of(xread(), "xreadgroup COUNT streams GROUP g c STREAMS k >"), ElementsAre("k"));
}

TEST(FindKeys, XreadRefusesWhatItCannotRead) {
  for (const char* line : {"xread", "xread streams", "xread streams a", "xread streams a b 0", "xread count",
                           "xread count 1", "xread nonsense streams a 0", "xread block streams a 0", "xread group g"}) {
    EXPECT_THAT(keys_of(xread(), line), ElementsAre("?")) << line;
  }
}

// Whatever the arguments, a position lies inside them and the same call never reads beyond.
TEST(FindKeys, RandomArgumentsStayInside) {
  const uint64_t seed = 20261121;
  Random random(seed);
  const std::vector<std::string_view> vocabulary = {"STREAMS", "block", "1", "-1",   "99",
                                                    "group",   "noack", "k", "claim"};
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::string_view> args = {"cmd"};
    for (uint64_t i = random.below(9); i > 0; --i) args.push_back(vocabulary[random.below(vocabulary.size())]);
    KeySpec key;
    key.begin = random.one_in(2) ? KeySpec::Begin::kIndex : KeySpec::Begin::kKeyword;
    key.find = random.one_in(2) ? KeySpec::Find::kRange : KeySpec::Find::kKeyNum;
    key.keyword = "STREAMS";
    key.begin_index = static_cast<int>(random.below(9)) - 4;
    key.last = static_cast<int>(random.below(7)) - 3;
    key.limit = static_cast<int>(random.below(3));
    key.first_key = static_cast<int>(random.below(3));
    key.step = 1 + static_cast<int>(random.below(2));
    CommandSpec spec = random.one_in(3) ? xread() : with_keys({key});
    Positions positions;
    if (!find_keys(spec, args, positions)) continue;
    for (const uint32_t position : positions) {
      ASSERT_GE(position, 1u) << "seed " << seed << " round " << round;
      ASSERT_LT(position, args.size()) << "seed " << seed << " round " << round;
    }
  }
}

// What a row says of its only key is what the extractor finds, in every call that has the right number of words.
TEST(FindKeys, AgreesWithWhatTheTableKnows) {
  const CommandTable table;
  for (uint32_t index = 0; index < table.count(); ++index) {
    const CommandSpec& spec = table.by_index(index);
    if (spec.only_key == 0) continue;
    for (size_t count = 1; count < 12; ++count) {
      if (!arity_fits(spec, count)) continue;
      Positions positions;
      ASSERT_TRUE(find_keys(spec, std::vector<std::string_view>(count, "get"), positions)) << spec.full_name;
      ASSERT_THAT(positions, ElementsAre(spec.only_key)) << spec.full_name << " " << count;
    }
  }
  const auto only_key = [&](std::string_view name) { return table.find_named(name)->only_key; };
  EXPECT_EQ(only_key("xadd"), 1u);
  EXPECT_EQ(only_key("object|encoding"), 2u);
  for (const char* name : {"ping", "mget", "rename", "xread", "object"}) EXPECT_EQ(only_key(name), 0u) << name;
}

}  // namespace
}  // namespace millrace::commands
