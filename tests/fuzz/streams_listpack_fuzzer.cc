// Feeds arbitrary bytes to Node::decode() and requires that a node that was let in keeps its invariants through
// everything a stream does to it: walks, seeks, appends, erasing, trimming, copies.
//
//   input = | master ms (8) | master seq (8) | what to do (1) | listpack |
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "streams/stream.h"

namespace {

using namespace millrace::streams;

constexpr size_t kPrefix = 2 * sizeof(uint64_t) + 1;
constexpr std::string_view kElements[] = {"field", "value"};

// A copy that ends where its memory ends, so that a read behind it is noticed; header and end mark are made right, as
// otherwise hardly any input would get past them.
std::vector<char> listpack_of(const uint8_t* data, size_t size) {
  std::vector<char> bytes(data, data + size);
  if (size < listpack::kSizeMin) return bytes;
  const auto total = static_cast<uint32_t>(size);
  std::memcpy(bytes.data(), &total, sizeof(total));
  bytes[4] = bytes[5] = bytes[size - 1] = '\xff';
  return bytes;
}

std::vector<StreamId> ids_of(const Stream& stream, bool reverse) {
  std::vector<StreamId> ids;
  size_t text_bytes = 0;
  for (auto entry = stream.entries(kStreamIdMin, kStreamIdMax, reverse); entry.valid(); entry.next()) {
    for (size_t i = 0; i < entry.pair_count(); ++i) {
      const auto [field, value] = entry.next_pair();
      for (const char c : field) text_bytes += static_cast<uint8_t>(c);
      for (const char c : value) text_bytes += static_cast<uint8_t>(c);
    }
    ids.push_back(entry.id());
  }
  CHECK(text_bytes < SIZE_MAX);
  CHECK(ids.size() == stream.length());
  return ids;
}

void look_at(const Stream& stream) {
  stream.check_invariants();
  const auto ids = ids_of(stream, false);
  auto backwards = ids_of(stream, true);
  CHECK(std::vector<StreamId>(backwards.rbegin(), backwards.rend()) == ids);
  for (const StreamId id : ids) CHECK(stream.contains(id));
}

// Each bit of `deeds` is one thing done.
void change(Stream& stream, uint8_t deeds) {
  if (deeds & 1) (void)stream.append({}, kElements, 0, {});
  const auto ids = ids_of(stream, false);
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool middle = i > 0 && i + 1 < ids.size();
    if ((deeds & 2 && i == 0) || (deeds & 4 && middle && i % 2 == 1) || (deeds & 8 && i + 1 == ids.size())) {
      CHECK(stream.erase(ids[i]));
      CHECK(!stream.contains(ids[i]));
    }
  }
  if (deeds & 16) {
    TrimOptions options;
    options.length_max = stream.length() / 2;
    (void)stream.trim(options);
    CHECK(stream.length() == options.length_max);
  }
  if (deeds & 32 && !ids.empty()) {
    TrimOptions options;
    options.strategy = TrimOptions::Strategy::kMinId;
    options.id_min = ids[ids.size() / 2];
    (void)stream.trim(options);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kPrefix) return 0;
  StreamId master;
  std::memcpy(&master.ms, data, sizeof(master.ms));
  std::memcpy(&master.seq, data + sizeof(master.ms), sizeof(master.seq));
  const uint8_t deeds = data[kPrefix - 1];
  const auto bytes = listpack_of(data + kPrefix, size - kPrefix);
  auto node = Node::decode(master, {bytes.data(), bytes.size()});
  if (!node) return 0;
  node->check_invariants();
  CHECK(node->bytes() == std::string_view(bytes.data(), bytes.size()));
  Stream stream;
  CHECK(stream.load_node(node));
  stream.set_entries_added(stream.length());
  look_at(stream);
  if (stream.length() == 0) return 0;

  const auto copy = deeds & 64 ? stream.clone() : nullptr;
  node = nullptr;
  const auto before = ids_of(stream, false);
  change(stream, deeds);
  look_at(stream);
  if (copy) {
    CHECK(ids_of(*copy, false) == before);
    change(*copy, static_cast<uint8_t>(~deeds));
    look_at(*copy);
  }
  return 0;
}
