// See node.h.
#include "streams/node.h"

#include <algorithm>

#include "base/check.h"
#include "streams/entry.h"

namespace millrace::streams {
namespace {

constexpr size_t kLiveOffset = listpack::kHeaderSize;
constexpr size_t kEntryIntegers = 5;   // flags, two deltas, the number of fields, the count of pieces
constexpr size_t kMasterIntegers = 4;  // live, deleted, the number of fields, the terminator

size_t texts_size_max(Elements elements, size_t first, size_t step) {
  size_t size = 0;
  for (size_t i = first; i < elements.size(); i += step) size += listpack::text_size_max(elements[i].size());
  return size;
}

// Reads elements one by one, checks each, and notices the end.
struct Reader {
  const uint8_t* p;
  const uint8_t* end;
  size_t count = 0;

  bool step() {
    if (p == end) return false;
    const uint8_t* const next = listpack::checked_next(p, end);
    if (next == nullptr) return false;
    p = next;
    ++count;
    return true;
  }
  bool integer(int64_t& value) {
    const uint8_t* const element = p;
    if (!step() || !listpack::is_integer(element)) return false;
    value = listpack::integer(element);
    return true;
  }
  bool skip(uint64_t elements) {
    for (; elements > 0; --elements) {
      if (!step()) return false;
    }
    return true;
  }
};

}  // namespace

// What a walk over the listpack finds, to be compared with what the node believes.
struct Node::Scan {
  Reader reader;
  int64_t stated_live = 0;
  int64_t stated_deleted = 0;
  int64_t fields = 0;
  uint32_t entries_offset = 0;
  uint32_t front_offset = 0;
  uint32_t last_offset = 0;
  int64_t live = 0;
  int64_t deleted = 0;
  StreamId last_id;

  bool master(const uint8_t* start) {
    if (!reader.integer(stated_live) || !reader.integer(stated_deleted) || !reader.integer(fields)) return false;
    if (fields < 0) return false;
    int64_t terminator = 0;
    if (!reader.skip(static_cast<uint64_t>(fields)) || !reader.integer(terminator)) return false;
    entries_offset = front_offset = last_offset = static_cast<uint32_t>(reader.p - start);
    return terminator == 0;
  }

  bool entry(StreamId master_id, const uint8_t* start) {
    last_offset = static_cast<uint32_t>(reader.p - start);
    if (live == 0) front_offset = last_offset;
    int64_t flags = 0, ms = 0, seq = 0, pieces = 0;
    if (!reader.integer(flags) || !reader.integer(ms) || !reader.integer(seq)) return false;
    if (flags < 0 || flags > (kDeleted | kSameFields)) return false;
    const StreamId id{master_id.ms + static_cast<uint64_t>(ms), master_id.seq + static_cast<uint64_t>(seq)};
    const bool is_first = live + deleted == 0;
    if (is_first ? id < master_id : id <= last_id) return false;
    last_id = id;
    ++(flags & kDeleted ? deleted : live);
    int64_t expected = 3 + fields;
    if (!(flags & kSameFields)) {
      int64_t own_fields = 0;
      if (!reader.integer(own_fields) || own_fields < 0 || own_fields > reader.end - reader.p) return false;
      expected = 4 + 2 * own_fields;
    }
    const int64_t rest = flags & kSameFields ? expected - 3 : expected - 4;
    return reader.skip(static_cast<uint64_t>(rest)) && reader.integer(pieces) && pieces == expected;
  }
};

bool Node::scan(Scan& scan) const {
  if (!listpack::has_valid_frame(listpack_.view())) return false;
  scan.reader = {listpack_.begin(), listpack_.end()};
  scan.last_id = master_id_;
  if (!scan.master(listpack_.at(0))) return false;
  while (scan.reader.p != scan.reader.end) {
    if (!scan.entry(master_id_, listpack_.at(0))) return false;
  }
  return listpack::has_valid_count(listpack_.view(), scan.reader.count) && scan.live == scan.stated_live &&
         scan.deleted == scan.stated_deleted;
}

Node::Node(StreamId master_id, Elements elements, size_t capacity) : listpack_(capacity), master_id_(master_id) {
  const size_t room = kMasterIntegers * listpack::kIntegerSizeMax + texts_size_max(elements, 0, 2);
  {
    Listpack::Appender out(listpack_, room);
    out.integer(0);
    out.integer(0);
    out.integer(static_cast<int64_t>(elements.size() / 2));
    for (size_t i = 0; i < elements.size(); i += 2) out.text(elements[i]);
    out.integer(0);
  }
  entries_offset_ = front_offset_ = last_offset_ = static_cast<uint32_t>(listpack_.size() - 1);
}

Node::Node(const Node& other)
    : RefCounted(),
      front_offset_(other.front_offset_),
      listpack_(other.listpack_.view(), other.listpack_.capacity()),
      master_id_(other.master_id_),
      entries_offset_(other.entries_offset_),
      last_offset_(other.last_offset_) {}

// ---- Closed nodes. Allocators round up, and mostly so far that a Node finds room in the allocation of its bytes.

bool Node::fits_behind(size_t bytes) {
  return size_class(place_size(bytes)) <= size_class(bytes);
}

Node::Node(Behind, StreamId master_id, std::string_view bytes)
    : listpack_(behind(), bytes.size()), master_id_(master_id) {
  std::memcpy(behind(), bytes.data(), bytes.size());
}

Ref<Node> Node::make_closed(StreamId master_id, std::string_view bytes, NodeBlock* block) {
  if (block == nullptr && !fits_behind(bytes.size())) return Ref<Node>::adopt(new Node(master_id, bytes));
  const size_t size = place_size(bytes.size());
  void* const place = block != nullptr ? block->take(size) : ::operator new(size);
  return Ref<Node>::adopt(new (place) Node(Behind{}, master_id, bytes));
}

// Out of line, or a compiler takes it and what follows for no pair.
void* Node::operator new(size_t size) {
  return ::operator new(size);
}

void Node::operator delete(void* node) {
  if (NodeBlock::of(node) != nullptr) return NodeBlock::give_back(node);
  ::operator delete(node);  // the bytes may lie behind it
}

Ref<Node> Node::close(NodeBlock* block) {
  if (listpack_.capacity() == 0) return nullptr;
  if (block != nullptr || fits_behind(listpack_.size())) return closed_copy(block);
  listpack_.shrink();
  return nullptr;
}

Ref<Node> Node::closed_copy(NodeBlock* block) const {
  Ref<Node> copy = make_closed(master_id_, listpack_.view(), block);
  copy->front_offset_ = front_offset_;
  copy->entries_offset_ = entries_offset_;
  copy->last_offset_ = last_offset_;
  return copy;
}

size_t Node::memory_bytes() const {
  if (listpack_.capacity() != 0) return sizeof(*this) + listpack_.capacity();
  return block() != nullptr ? NodeBlock::place_bytes(place_size(size())) : size_class(place_size(size()));
}

Ref<Node> Node::decode(StreamId master_id, std::string_view bytes, NodeBlock* block) {
  if (!listpack::has_valid_frame(bytes)) return nullptr;
  Ref<Node> node = make_closed(master_id, bytes, block);
  Scan found;
  if (!node->scan(found)) return nullptr;
  node->front_offset_ = found.front_offset;
  node->entries_offset_ = found.entries_offset;
  node->last_offset_ = found.last_offset;
  return node;
}

size_t Node::encoded_size_max(Elements elements) {
  return listpack::kSizeMin + (kMasterIntegers + kEntryIntegers) * listpack::kIntegerSizeMax +
         2 * texts_size_max(elements, 0, 2) + texts_size_max(elements, 1, 2);
}

StreamId Node::last_id() const {
  const uint8_t* const flags = listpack_.at(last_offset_);
  if (flags == listpack_.end()) return master_id_;
  const uint8_t* const ms = listpack::next(flags);
  const uint8_t* const seq = listpack::next(ms);
  return {master_id_.ms + static_cast<uint64_t>(listpack::integer(ms)),
          master_id_.seq + static_cast<uint64_t>(listpack::integer(seq))};
}

bool Node::has_master_fields(const uint8_t* field_count, Elements elements) const {
  if (elements.size() != 2 * static_cast<uint64_t>(listpack::integer(field_count))) return false;
  char scratch[listpack::kScratchSize];
  const uint8_t* field = listpack::next(field_count);
  for (size_t i = 0; i < elements.size(); i += 2, field = listpack::next(field)) {
    if (listpack::text(field, scratch) != elements[i]) return false;
  }
  return true;
}

ptrdiff_t Node::write_counters(uint64_t live, uint64_t deleted) {
  ptrdiff_t moved = listpack_.replace_integer(kLiveOffset, static_cast<int64_t>(live));
  if (deleted != this->deleted()) {
    const auto deleted_offset = static_cast<size_t>(listpack::next(listpack_.begin()) - listpack_.at(0));
    moved += listpack_.replace_integer(deleted_offset, static_cast<int64_t>(deleted));
  }
  entries_offset_ += static_cast<uint32_t>(moved);
  front_offset_ += static_cast<uint32_t>(moved);
  last_offset_ += static_cast<uint32_t>(moved);
  return moved;
}

void Node::append(StreamId id, Elements elements) {
  const uint64_t alive = live();
  DCHECK(alive + deleted() == 0 ? id >= master_id_ : id > last_id());
  write_counters(alive + 1, deleted());
  last_offset_ = static_cast<uint32_t>(listpack_.size() - 1);
  if (alive == 0) front_offset_ = last_offset_;
  const bool same_fields = has_master_fields(field_count(), elements);
  const size_t first = same_fields ? 1 : 0;
  const size_t step = same_fields ? 2 : 1;
  const size_t room = kEntryIntegers * listpack::kIntegerSizeMax + texts_size_max(elements, first, step);
  const size_t pairs = elements.size() / 2;
  Listpack::Appender out(listpack_, room);
  out.integer(same_fields ? kSameFields : 0);
  out.integer(static_cast<int64_t>(id.ms - master_id_.ms));
  out.integer(static_cast<int64_t>(id.seq - master_id_.seq));
  if (!same_fields) out.integer(static_cast<int64_t>(pairs));
  for (size_t i = first; i < elements.size(); i += step) out.text(elements[i]);
  out.integer(static_cast<int64_t>(same_fields ? 3 + pairs : 4 + 2 * pairs));
}

ptrdiff_t Node::erase(size_t offset) {
  const int64_t flags = listpack::integer(listpack_.at(offset));
  DCHECK(!(flags & kDeleted));
  const bool was_front = offset == front_offset_;
  const ptrdiff_t narrower = listpack_.replace_integer(offset, flags | kDeleted);
  if (last_offset_ > offset) last_offset_ += static_cast<uint32_t>(narrower);
  const ptrdiff_t moved = write_counters(live() - 1, deleted() + 1);
  if (was_front) find_front();
  return moved;
}

// Moves the front on over deleted entries. It never turns back, so a node that is emptied from its head is walked once.
void Node::find_front() {
  EntryCursor entry(*this, front_offset_);
  while (entry.deleted() && entry.to_next()) {
  }
  front_offset_ = static_cast<uint32_t>(entry.offset());
}

void Node::check_invariants() const {
  Scan found;
  CHECK(scan(found));
  CHECK(found.entries_offset == entries_offset_);
  CHECK(found.front_offset == front_offset_);
  CHECK(found.last_offset == last_offset_);
  CHECK(found.last_id == last_id());
}

}  // namespace millrace::streams
