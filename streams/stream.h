// Stream: an append-only log of field-value entries in memory, with its consumer groups and idempotency records.
//
//   Stream
//     nodes    radix tree: master id -> Node, a listpack of up to ~100 entries in Redis's encoding (node.h)
//     tail     the last node, cached, and whether it is ours alone: an append touches nothing else
//     groups   name -> Group (group.h), in name order
//     idmp     producer -> remembered ids (idempotency.h), only if ever used
//
// clone() shares nearly all: the nodes and the inner nodes of their tree, the records and orders of pending lists, the
// records of producers. All these are reference-counted, and who writes to one that others hold copies it first, on
// either side. So a clone costs microseconds whatever the size, and may be read, changed and destroyed without the lock
// of the original: that serves COPY and snapshots. share_nodes() hands out references to the nodes alone.
//
// Everything else here needs the partition's lock. No I/O, no clock, no randomness: they are arguments.
//
// Invariants (checked by check_invariants, and by the model tests after every step):
//   length = live entries of all nodes; a node's live and deleted counters equal a scan of it; no node is without live
//   entries; first id = id of the first live entry (0-0 when empty); ids strictly increase; last_id >= every id;
//   max_deleted_id <= last_id; entries_added >= length.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ref.h"
#include "base/result.h"
#include "streams/entry.h"
#include "streams/group.h"
#include "streams/idempotency.h"
#include "streams/node.h"
#include "streams/node_tree.h"
#include "streams/stream_id.h"

namespace millrace::streams {

// stream-node-max-bytes and stream-node-max-entries (0 = no limit on entries; 0 bytes = 1 GiB).
struct NodeLimits {
  int64_t bytes_max = 4096;
  int64_t entries_max = 100;
};

enum class AppendError {
  kZeroId,     // explicit 0-0
  kExhausted,  // last id is the maximum
  kIdTooSmall,
  kTooLarge,  // elements of one entry add up to more than 1 GiB
};

// What happens to references in pending lists when an entry is deleted (KEEPREF, DELREF, ACKED).
enum class RefPolicy : uint8_t { kKeepRef, kDelRef, kAcked };

struct TrimOptions {
  enum class Strategy : uint8_t { kMaxLen, kMinId };
  Strategy strategy = Strategy::kMaxLen;
  bool approximate = false;  // '~': whole nodes only (with kKeepRef; the other policies trim exactly)
  uint64_t length_max = 0;   // kMaxLen
  StreamId id_min;           // kMinId: entries below it go
  uint64_t limit = 0;        // at most so many entries, checked per node; 0 = no limit
  RefPolicy policy = RefPolicy::kKeepRef;
};

enum class EraseOutcome : int8_t { kNotFound = -1, kErased = 1, kReferenced = 2 };

class Stream {
 public:
  explicit Stream(IdempotencyLimits idempotency_limits = {}) : idempotency(idempotency_limits) {}
  Stream& operator=(const Stream&) = delete;
  // A copy that shares what it can (COPY, snapshots). Needs the lock as a change does.
  std::unique_ptr<Stream> clone() const;
  size_t clone_bytes() const;  // what a clone takes in memory beside what is shared
  size_t piece_count() const;  // about how many things clone() touches: groups, consumers, producers

  uint64_t length() const { return length_; }
  StreamId last_id() const { return last_id_; }
  StreamId first_id() const { return first_id_; }  // 0-0 when empty
  StreamId max_deleted_id() const { return max_deleted_id_; }
  uint64_t entries_added() const { return entries_added_; }

  // ---- entries
  // Chooses the id per `id` (never at or below last_id, whatever the clock says) and appends. `elements` are field,
  // value, field, value. Counts entries_added. Nothing changes on error.
  Result<StreamId, AppendError> append(const NewId& id, std::span<const std::string_view> elements, int64_t now_ms,
                                       const NodeLimits& limits);
  // The id append() would use; for checks that come before it.
  Result<StreamId, AppendError> next_id(const NewId& id, int64_t now_ms) const;
  bool contains(StreamId id) const;
  // Live entries of [start, end] in ascending or descending order. Invalidated by any change to the stream.
  EntryIterator entries(StreamId start, StreamId end, bool reverse = false) const;
  std::optional<StreamId> last_entry_id() const;  // greatest live id
  // Removes one live entry, whatever refers to it. Updates max_deleted_id. False if there is none.
  bool erase(StreamId id);
  // XDELEX for one id: erase under a policy.
  EraseOutcome erase_with_policy(StreamId id, RefPolicy policy, bool* references_purged = nullptr);
  // Returns the number of removed entries. Does not touch max_deleted_id (as Redis).
  uint64_t trim(const TrimOptions& options);
  // True if some group has yet to be handed this id or has it pending (the ACKED test of Redis 8.2).
  bool is_referenced(StreamId id) const;
  // Removes `id` from every group's pending list; true if any had it.
  bool purge_references(StreamId id);

  // ---- XSETID
  // A lower id lets entries that have gone be added again.
  void set_last_id(StreamId id);
  void set_entries_added(uint64_t count);  // clamps the groups' entries_read
  void set_max_deleted_id(StreamId id) { max_deleted_id_ = id; }

  // ---- groups, in name order
  Group* group(std::string_view name);
  const Group* group(std::string_view name) const;
  const std::map<std::string, Group, std::less<>>& groups() const { return groups_; }
  std::map<std::string, Group, std::less<>>& groups() { return groups_; }
  // nullptr if the name is taken. entries_read above entries_added is clamped; -1 = unknown.
  Group* create_group(std::string_view name, StreamId last_delivered, int64_t entries_read);
  bool destroy_group(std::string_view name);

  // How many entries were added up to and including `id`, where that can be known (reference section 10.3).
  std::optional<uint64_t> estimate_entries_read(StreamId id) const;
  // True if an entry at or after `from` (exclusive of nothing) may have been deleted: last-delivered <= max-deleted.
  bool has_tombstone_from(StreamId from) const;
  std::optional<uint64_t> lag(const Group& group) const;

  // ---- storage
  size_t node_count() const { return nodes_.size(); }              // radix-tree-keys
  size_t tree_node_count() const { return nodes_.inner_count(); }  // radix-tree-nodes
  // MEMORY USAGE: nodes (their mean size taken from the first few), tree, groups, pending, idempotency.
  size_t memory_bytes() const;
  // Walks over the nodes themselves, in order; nullptr behind the last.
  const Node* first_node() const { return nodes_.first(); }
  const Node* node_behind(const Node& node) const { return nodes_.above(node.master_id()); }
  std::vector<Ref<Node>> share_nodes() const;
  // Where a closed node of so many bytes is to lie, for close() and decode(); nullptr as long as the stream is small,
  // or if the node is as well off by itself.
  NodeBlock* block_for(size_t node_bytes);
  // Adds a decoded node behind the last one (loading a snapshot), keeping length and first_id, and last_id at or above
  // its ids; entries_added is the caller's to set. A node without live entries is dropped: Redis before 8 left such
  // behind. False if the node is not above the last one.
  bool load_node(Ref<Node> node);
  void check_invariants() const;  // CHECKs them all; for tests and DEBUG

  Idempotency idempotency;

 private:
  Stream(const Stream& other) = default;
  Node& writable_tail(Elements elements, size_t elements_bytes, StreamId id, const NodeLimits& limits);
  Node& unshared(Node& node);
  void close_tail();
  void add_node(Ref<Node> node);
  void replace_node(const Node& node, Ref<Node> equal);
  void drop_node(const Node& node);
  void thin_out(NodeBlock& block, StreamId gone);
  Node* erase_at(Node& node, EntryCursor& entry);
  Node* node_for(StreamId id) const;
  void find_first_id();
  struct TrimBounds;
  std::optional<TrimBounds> trim_bounds(const TrimOptions& options) const;
  bool trimmed_up_to(StreamId id, const TrimBounds& bounds) const;
  bool droppable_whole(const Node& node, const TrimBounds& bounds) const;
  uint64_t trim_inside(Node& node, RefPolicy policy, const TrimBounds& bounds, bool& done);

  NodeTree nodes_;
  Node* tail_ = nullptr;                // nodes_.last()
  mutable bool owns_tail_way_ = false;  // no other tree shares the inner nodes above it
  mutable Node* written_ = nullptr;     // the node last copied for writing: the same holds for it
  Ref<NodeBlock> block_;                // that is being filled, by this stream alone
  uint64_t length_ = 0;
  StreamId last_id_;
  StreamId first_id_;
  StreamId max_deleted_id_;
  uint64_t entries_added_ = 0;
  std::map<std::string, Group, std::less<>> groups_;
};

}  // namespace millrace::streams
