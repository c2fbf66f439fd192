// NodeBlock, and which nodes of a stream lie in one: places do not overlap, a block goes with its last node whoever has
// it, a few nodes do not keep a block, and nothing of it shows in what the stream holds.
#include "streams/node_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "streams/entry.h"
#include "streams/stream.h"

namespace millrace::streams {
namespace {

TEST(NodeBlock, HasRoomForWhatItWasMadeForInPlacesApart) {
  for (const size_t size : {1, 48, 1000, 4000, 16'000}) {
    SCOPED_TRACE(size);
    const Ref<NodeBlock> block = NodeBlock::make(2, size);
    std::vector<uint8_t*> places;
    while (block->has_room(size)) {
      places.push_back(static_cast<uint8_t*>(block->take(size)));
      std::memset(places.back(), static_cast<int>(places.size()), size);
    }
    ASSERT_GE(places.size(), 2u);
    ASSERT_EQ(block->places(), places.size());
    for (size_t i = 0; i < places.size(); ++i) {
      ASSERT_EQ(NodeBlock::of(places[i]), block.get());
      ASSERT_EQ(places[i][0], static_cast<uint8_t>(i + 1));
      ASSERT_EQ(places[i][size - 1], static_cast<uint8_t>(i + 1));
    }
    for (uint8_t* const place : places) NodeBlock::give_back(place);
  }
}

TEST(NodeBlock, IsNoLargerThanItMayBe) {
  EXPECT_TRUE(NodeBlock::fits(NodeBlock::kBytesMax / 8 - 32));
  EXPECT_FALSE(NodeBlock::fits(NodeBlock::kBytesMax / 8));
  const Ref<NodeBlock> block = NodeBlock::make(size_t{1} << 40, 1000);
  std::vector<void*> places;
  while (block->has_room(1000)) places.push_back(block->take(1000));
  EXPECT_LE(places.size() * 1000, NodeBlock::kBytesMax);
  EXPECT_GE(places.size() * 1000, NodeBlock::kBytesMax * 95 / 100);
  for (void* const place : places) NodeBlock::give_back(place);
}

TEST(NodeBlock, IsSparseBelowAQuarter) {
  const Ref<NodeBlock> block = NodeBlock::make(40, 1000);
  std::vector<void*> places;
  while (block->has_room(1000)) places.push_back(block->take(1000));
  const size_t quarter = places.size() / 4;
  while (places.size() > quarter + 1) {
    EXPECT_FALSE(block->is_sparse());
    NodeBlock::give_back(places.back());
    places.pop_back();
  }
  NodeBlock::give_back(places.back());
  places.pop_back();
  EXPECT_TRUE(block->is_sparse());
  for (void* const place : places) NodeBlock::give_back(place);
  EXPECT_FALSE(block->is_sparse());
}

// A stream with two entries in each node. By itself, a node of two usual values wastes a good part of its allocation.
class BlocksOfAStreamTest : public testing::Test {
 protected:
  static constexpr size_t kUsualBytes = 120;

  // Returns the ids.
  static std::vector<StreamId> append(Stream& stream, size_t count, size_t value_bytes = kUsualBytes) {
    const std::string value(value_bytes, 'v');
    const std::string_view elements[] = {"field", value};
    std::vector<StreamId> ids;
    while (ids.size() < count) {
      const auto id = stream.append({}, elements, 1, {.bytes_max = 4096, .entries_max = 2});
      CHECK(id.ok());
      ids.push_back(*id);
    }
    return ids;
  }
  static size_t nodes_in_blocks(const Stream& stream) {
    size_t count = 0;
    for (const Node* node = stream.first_node(); node != nullptr; node = stream.node_behind(*node)) {
      if (node->block() != nullptr) ++count;
    }
    return count;
  }
  static size_t block_count(const Stream& stream) {
    std::set<const NodeBlock*> blocks;
    for (const Node* node = stream.first_node(); node != nullptr; node = stream.node_behind(*node)) {
      if (node->block() != nullptr) blocks.insert(node->block());
    }
    return blocks.size();
  }
  static std::vector<StreamId> ids(const Stream& stream) {
    std::vector<StreamId> ids;
    for (auto entry = stream.entries(kStreamIdMin, kStreamIdMax, false); entry.valid(); entry.next()) {
      ids.push_back(entry.id());
    }
    return ids;
  }
  static void trim(Stream& stream, uint64_t length) {
    TrimOptions options;
    options.length_max = length;
    stream.trim(options);
  }
  const Node& last_closed() const { return *stream_.share_nodes().rbegin()[1]; }
  // Until the block in which the last node was put has room for some more of them.
  void append_while_block_is_full() {
    while (!last_closed().block()->has_room(4 * Node::place_size(last_closed().size()))) append(stream_, 2);
  }

  Stream stream_;
};

TEST_F(BlocksOfAStreamTest, ASmallStreamHasNone) {
  append(stream_, 2 * 64);
  EXPECT_EQ(nodes_in_blocks(stream_), 0u);
}

TEST_F(BlocksOfAStreamTest, ClosedNodesOfALargeStreamShareThem) {
  append(stream_, 2 * 2000);
  EXPECT_GE(nodes_in_blocks(stream_), 2000u - 70);
  EXPECT_LE(block_count(stream_), nodes_in_blocks(stream_) / 8);
  stream_.check_invariants();
}

TEST_F(BlocksOfAStreamTest, LoadedNodesShareThem) {
  append(stream_, 2 * 2000);
  Stream loaded;
  for (const Ref<Node>& node : stream_.share_nodes()) {
    ASSERT_TRUE(loaded.load_node(Node::decode(node->master_id(), node->bytes(), loaded.block_for(node->size()))));
  }
  loaded.set_entries_added(stream_.entries_added());
  EXPECT_GE(nodes_in_blocks(loaded), 2000u - 70);
  EXPECT_EQ(ids(loaded), ids(stream_));
  loaded.check_invariants();
  append(loaded, 10);
  loaded.check_invariants();
}

TEST_F(BlocksOfAStreamTest, ANodeThatNearlyFillsItsAllocationLiesAlone) {
  append(stream_, 2 * 200, 100);
  EXPECT_EQ(nodes_in_blocks(stream_), 0u);
  append(stream_, 2 * 200);
  EXPECT_GE(nodes_in_blocks(stream_), 198u);
}

TEST_F(BlocksOfAStreamTest, ANodeTooLargeForOneLiesAlone) {
  append(stream_, 2 * 100);
  append(stream_, 1, NodeBlock::kBytesMax);
  append(stream_, 3);
  const std::vector<Ref<Node>> nodes = stream_.share_nodes();
  const auto large = std::find_if(nodes.begin(), nodes.end(),
                                  [](const Ref<Node>& node) { return node->size() > NodeBlock::kBytesMax; });
  ASSERT_NE(large, nodes.end());
  EXPECT_EQ((*large)->block(), nullptr);
  stream_.check_invariants();
}

// Few large ones would fill a block, and leave up to a third of it.
TEST_F(BlocksOfAStreamTest, LargeNodesTakeNoMoreThanByThemselves) {
  for (const size_t value_bytes : {10'000, 16'000, 27'500, 45'000, 60'000}) {
    SCOPED_TRACE(value_bytes);
    Stream stream;
    append(stream, 400, value_bytes);
    size_t alone = 0;
    for (const Node* node = stream.first_node(); node != nullptr; node = stream.node_behind(*node)) {
      if (node->block() != nullptr) alone += Node::bytes_alone(node->size());
    }
    EXPECT_LE(block_count(stream) * NodeBlock::kBytesMax, alone * 105 / 100 + NodeBlock::kBytesMax);
  }
}

TEST_F(BlocksOfAStreamTest, AFewEntriesThatStayDoNotKeepThem) {
  append(stream_, 2 * 2000);
  const std::vector<StreamId> all = ids(stream_);
  std::vector<StreamId> kept;
  for (size_t i = 0; i + 2 < all.size(); ++i) {
    if (i % 400 == 7) {
      kept.push_back(all[i]);
    } else {
      ASSERT_TRUE(stream_.erase(all[i]));
    }
  }
  kept.insert(kept.end(), all.end() - 2, all.end());
  EXPECT_EQ(ids(stream_), kept);
  EXPECT_EQ(nodes_in_blocks(stream_), 0u);
  stream_.check_invariants();
}

// One that stays at the beginning of a stream that is consumed in order, wherever it lies in its block.
TEST_F(BlocksOfAStreamTest, TheFirstEntryDoesNotKeepOneWhenTheOthersAreGone) {
  for (size_t stays = 200; stays < 230; ++stays) {
    SCOPED_TRACE(stays);
    Stream stream;
    const std::vector<StreamId> all = append(stream, 2 * 600);
    for (size_t i = 0; i + 2 < all.size(); ++i) {
      ASSERT_TRUE(i == 2 * stays || stream.erase(all[i]));
    }
    EXPECT_EQ(nodes_in_blocks(stream), 0u);
    stream.check_invariants();
  }
}

TEST_F(BlocksOfAStreamTest, AreLeftAloneAtTheBeginningOfALongStream) {
  append(stream_, 2 * 2000);
  trim(stream_, 2 * 1800);
  for (uint64_t nodes = 1800; nodes > 1600; --nodes) {
    trim(stream_, 2 * nodes);
    ASSERT_NE(stream_.first_node()->block(), nullptr) << nodes;
  }
}

TEST_F(BlocksOfAStreamTest, AreNotFilledOnceANodeHasGone) {
  append(stream_, 2 * 2000 + 1);
  append_while_block_is_full();
  const Ref<NodeBlock> block(last_closed().block());
  const StreamId last_id = last_closed().last_id();
  ASSERT_TRUE(stream_.erase(last_closed().master_id()));
  ASSERT_TRUE(stream_.erase(last_id));
  append(stream_, 2);
  ASSERT_NE(last_closed().block(), nullptr);
  EXPECT_NE(last_closed().block(), block.get());
}

// Each of two streams that share nodes goes on in a block of its own: both threads may take places at the same time.
TEST_F(BlocksOfAStreamTest, AreFilledByOneStreamAlone) {
  append(stream_, 2 * 2000 + 1);
  append_while_block_is_full();
  const StreamId shared_up_to = stream_.last_id();
  const std::unique_ptr<Stream> copy = stream_.clone();
  for (int i = 0; i < 200; ++i) {
    append(stream_, 1);
    append(*copy, 1);
  }
  const auto filled = [shared_up_to](const Stream& stream) {
    std::set<const NodeBlock*> blocks;
    for (const Ref<Node>& node : stream.share_nodes()) {
      if (node->master_id() > shared_up_to && node->block() != nullptr) blocks.insert(node->block());
    }
    return blocks;
  };
  const std::set<const NodeBlock*> blocks = filled(stream_);
  EXPECT_FALSE(blocks.empty());
  for (const NodeBlock* const block : filled(*copy)) EXPECT_EQ(blocks.count(block), 0u);
}

TEST_F(BlocksOfAStreamTest, OutliveTheStreamWithANodeOfThem) {
  auto stream = std::make_unique<Stream>();
  append(*stream, 2 * 500);
  std::vector<Ref<Node>> nodes = stream->share_nodes();
  const Ref<Node> kept = nodes[400];
  ASSERT_NE(kept->block(), nullptr);
  nodes.clear();
  stream.reset();
  kept->check_invariants();
}

// Against a plain model, with copies that share nodes and blocks.
TEST_F(BlocksOfAStreamTest, DoNotShowInWhatTheStreamHolds) {
  struct Side {
    std::unique_ptr<Stream> stream;
    std::vector<StreamId> ids;
  };
  size_t most_in_blocks = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    std::vector<Side> sides;
    sides.push_back({std::make_unique<Stream>(), {}});
    for (int round = 0; round < 60; ++round) {
      Side& side = sides[random.below(sides.size())];
      const uint64_t dice = random.below(10);
      if (dice < 5) {
        const std::vector<StreamId> added = append(*side.stream, random.below(300));
        side.ids.insert(side.ids.end(), added.begin(), added.end());
      } else if (dice < 6) {
        const uint64_t length = random.below(side.ids.size() + 1);
        trim(*side.stream, length);
        if (side.ids.size() > length) side.ids.erase(side.ids.begin(), side.ids.end() - static_cast<ptrdiff_t>(length));
      } else {
        const uint64_t one_stays = 1 + random.below(20);
        std::erase_if(side.ids, [&](StreamId id) { return !random.one_in(one_stays) && side.stream->erase(id); });
      }
      if (random.one_in(6)) sides.push_back({side.stream->clone(), side.ids});
      if (sides.size() > 4) sides.erase(sides.begin() + static_cast<ptrdiff_t>(random.below(sides.size())));
      for (const Side& each : sides) {
        each.stream->check_invariants();
        ASSERT_EQ(ids(*each.stream), each.ids);
        most_in_blocks = std::max(most_in_blocks, nodes_in_blocks(*each.stream));
      }
    }
  }
  EXPECT_GT(most_in_blocks, 100u);
}

// For ThreadSanitizer: two streams with nodes in one block, each with a thread of its own.
TEST_F(BlocksOfAStreamTest, MayBeSharedByStreamsOfTwoThreads) {
  append(stream_, 2 * 1000);
  const std::unique_ptr<Stream> copy = stream_.clone();
  const std::vector<StreamId> all = ids(*copy);
  std::thread other([&] {
    for (const StreamId id : all) EXPECT_TRUE(copy->erase(id));
    append(*copy, 2 * 500);
  });
  append(stream_, 2 * 1000);
  trim(stream_, 2 * 100);
  other.join();
  EXPECT_EQ(copy->length(), 2 * 500u);
  EXPECT_EQ(stream_.length(), 2 * 100u);
  stream_.check_invariants();
}

}  // namespace
}  // namespace millrace::streams
