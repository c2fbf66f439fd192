// Random streams through every version, written in slices and read in blocks of any size.
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "persistence/digest.h"
#include "persistence/dump.h"
#include "persistence/stream_reader.h"
#include "persistence/stream_writer.h"
#include "streams/delivery.h"
#include "support/random_stream.h"
#include "unit/persistence/block_source.h"

namespace millrace::persistence {
namespace {

using test::content_of;
using test::Kept;
using test::random_stream;

using streams::Stream;

constexpr streams::IdempotencyLimits kUsual{};

class StreamRoundTrip : public testing::TestWithParam<int> {
 protected:
  // What of a stream is kept in the version under test.
  Kept kept() const { return {GetParam() >= 11, GetParam() >= 13, GetParam() >= 14}; }

  std::string write_in_slices(StreamWriter& writer, size_t slice, bool compress = true) {
    Buffer out;
    RdbEncoder encoder(out, compress);
    while (!writer.advance(encoder, slice)) {
    }
    return std::string(out.view());
  }
  std::unique_ptr<Stream> read(const std::string& bytes, const StreamLayout& layout, size_t block) {
    BlockSource source(bytes, block);
    ByteReader in(source);
    auto stream = read_stream(in, layout, kUsual);
    EXPECT_TRUE(in.ok()) << describe(in.error());
    EXPECT_EQ(in.offset(), bytes.size());
    return stream;
  }
};

TEST_P(StreamRoundTrip, SlicesAreNoLongerWhereNodesCompressWell) {
  constexpr size_t kSlice = 8192;
  constexpr int kEntries = 200;
  const std::string value(1000, 'x');
  Stream stream(kUsual);
  for (int i = 0; i < kEntries; ++i) {
    ASSERT_TRUE(stream.append({}, std::vector<std::string_view>{"f", value}, i, {}).ok());
  }
  StreamWriter writer(stream, GetParam());
  Buffer out;
  RdbEncoder encoder(out, true);
  size_t slices = 1;
  while (!writer.advance(encoder, kSlice)) ++slices;
  EXPECT_LT(out.size(), kEntries * value.size() / 10);
  EXPECT_GT(slices, kEntries * value.size() / kSlice / 2);
}

TEST_P(StreamRoundTrip, KeepsEverythingTheVersionCanSay) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto stream = random_stream(random, {.steps = 50 + static_cast<int>(random.below(300))});
    StreamWriter writer(*stream, GetParam());
    const StreamLayout& layout = *find_stream_layout(writer.type());
    const std::string bytes = write_in_slices(writer, 1 + random.below(400), random.one_in(2));
    const auto copy = read(bytes, layout, 1 + random.below(5000));
    ASSERT_NE(copy, nullptr);
    copy->check_invariants();
    ASSERT_EQ(content_of(*copy, kept()), content_of(*stream, kept()));
  }
}

TEST_P(StreamRoundTrip, WritesTheSameBytesInSlicesOfAnySize) {
  Random random(7);
  const auto stream = random_stream(random, {.steps = 400});
  StreamWriter at_once(*stream, GetParam());
  const std::string bytes = write_in_slices(at_once, std::numeric_limits<uint32_t>::max());
  for (size_t slice = 1; slice < bytes.size(); slice = slice * 3 + 1) {
    StreamWriter writer(*stream, GetParam());
    EXPECT_EQ(write_in_slices(writer, slice), bytes) << slice;
  }
}

// A snapshot goes on while the stream is changed.
TEST_P(StreamRoundTrip, ACloneIsWrittenAsTheStreamWas) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto stream = random_stream(random, {});
    const std::string before = content_of(*stream, kept());
    const auto clone = stream->clone();
    StreamWriter writer(*clone, GetParam());
    const StreamLayout& layout = *find_stream_layout(writer.type());
    Buffer out;
    RdbEncoder encoder(out, false);
    bool done = false;
    for (uint64_t slices = random.below(20); slices > 0 && !done; --slices) done = writer.advance(encoder, 100);
    const std::string_view elements[] = {"later", "entry"};
    ASSERT_TRUE(stream->append({}, elements, 0, {}).ok());
    streams::TrimOptions short_options;
    short_options.length_max = 2;
    stream->trim(short_options);
    for (auto& [name, group] : stream->groups()) group.pending.clear();
    while (!done) done = writer.advance(encoder, 50);
    const auto copy = read(std::string(out.view()), layout, 999);
    ASSERT_NE(copy, nullptr);
    ASSERT_EQ(content_of(*copy, kept()), before);
  }
}

TEST_P(StreamRoundTrip, ADumpIsRestored) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const auto stream = random_stream(random, {});
    const std::string payload = dump_value(*stream, GetParam(), true);
    ASSERT_TRUE(is_sound_dump(payload));
    auto copy = restore_value(payload, kUsual);
    ASSERT_TRUE(copy.ok()) << describe(copy.error());
    EXPECT_EQ(content_of(*copy->stream, kept()), content_of(*stream, kept())) << seed;
  }
}

TEST_P(StreamRoundTrip, AnEmptyStreamIsOneToo) {
  Stream stream;
  const auto copy = restore_value(dump_value(stream, GetParam(), true), kUsual);
  ASSERT_TRUE(copy.ok());
  EXPECT_EQ(content_of(*copy->stream), content_of(stream));
}

INSTANTIATE_TEST_SUITE_P(Versions, StreamRoundTrip, testing::Values(10, 11, 12, 13, 14),
                         [](const auto& version) { return "Rdb" + std::to_string(version.param); });

class ChosenVersion : public testing::Test {
 protected:
  void append() {
    const std::string_view elements[] = {"f", "v"};
    ASSERT_TRUE(stream_.append({}, elements, 1, {}).ok());
  }
  void nack_one() {
    append();
    streams::Group& group = *stream_.create_group("g", {}, 0);
    group.pending.put({stream_.last_id(), streams::kNoConsumer, 0, 1});
  }
  int version(int usual = 11) { return rdb_version_for(stream_, kUsual, usual); }
  int type(int rdb_version) { return stream_layout_for(stream_, rdb_version).type; }

  Stream stream_;
};

TEST_F(ChosenVersion, IsTheUsualOneForWhatEveryRedisKnows) {
  append();
  EXPECT_EQ(version(), 11);
  EXPECT_EQ(version(10), 10);
}

TEST_F(ChosenVersion, IsRaisedForRecordsOfProducers) {
  stream_.idempotency.record("p", "i", {1, 0});
  EXPECT_EQ(version(), 13);
  EXPECT_EQ(version(14), 14);
}

TEST_F(ChosenVersion, IsRaisedForLimitsThatAreNotTheUsualOnes) {
  stream_.idempotency.set_limits({.duration_s = 7, .entries_max = 100});
  EXPECT_EQ(version(), 13);
  EXPECT_EQ(rdb_version_for(stream_, {.duration_s = 7, .entries_max = 100}, 11), 11);
}

TEST_F(ChosenVersion, IsRaisedForNackedEntries) {
  nack_one();
  EXPECT_EQ(version(), 14);
}

TEST_F(ChosenVersion, DecidesTheType) {
  EXPECT_EQ(type(10), 19);
  EXPECT_EQ(type(11), 21);
  EXPECT_EQ(type(12), 21);
  EXPECT_EQ(type(13), 26);
  EXPECT_EQ(type(14), 26);
  nack_one();
  EXPECT_EQ(type(14), 27);
  EXPECT_EQ(type(13), 26);
}

TEST(Digests, AreEqualForEqualContentOnly) {
  Random random(3);
  const auto stream = random_stream(random, {});
  auto copy = restore_value(dump_value(*stream, 14, true), kUsual);
  ASSERT_TRUE(copy.ok());
  const Digest digest = digest_of_value(*stream);
  EXPECT_EQ(digest_of_value(*copy->stream), digest);
  EXPECT_EQ(digest.hex().size(), 40u);
  copy->stream->groups().begin()->second.ensure_consumer("one more", 0);
  EXPECT_FALSE(digest_of_value(*copy->stream) == digest);
  EXPECT_FALSE(digest_of_key(0, "a", false, digest) == digest_of_key(1, "a", false, digest));
}

TEST(Digests, DoNotDependOnNodesOrTheOrderOfKeys) {
  const std::string_view elements[] = {"f", "v"};
  Stream narrow;
  Stream wide;
  for (int i = 1; i < 20; ++i) {
    ASSERT_TRUE(narrow.append({}, elements, i, {.bytes_max = 4096, .entries_max = 2}).ok());
    ASSERT_TRUE(wide.append({}, elements, i, {}).ok());
  }
  EXPECT_EQ(digest_of_value(narrow), digest_of_value(wide));
  const Digest a = digest_of_key(0, "a", false, digest_of_value(narrow));
  const Digest b = digest_of_key(0, "b", true, digest_of_value(Stream()));
  Digest one = a;
  one += b;
  Digest other = b;
  other += a;
  EXPECT_EQ(one, other);
  EXPECT_EQ(Digest().hex(), std::string(40, '0'));
}

}  // namespace
}  // namespace millrace::persistence
