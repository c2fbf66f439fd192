// Trimming: removal from the head of a stream, by length or by id, under the three policies for references.
#include <algorithm>

#include "streams/stream.h"

namespace millrace::streams {

// Entries go while the stream is longer than this and up to this id.
struct Stream::TrimBounds {
  uint64_t length_max = 0;
  StreamId id_last = kStreamIdMax;
};

// Nothing if no entry can be within them.
std::optional<Stream::TrimBounds> Stream::trim_bounds(const TrimOptions& options) const {
  TrimBounds bounds;
  if (options.strategy == TrimOptions::Strategy::kMaxLen) {
    bounds.length_max = options.length_max;
  } else {
    const auto last = predecessor(options.id_min);
    if (!last) return std::nullopt;
    bounds.id_last = *last;
  }
  if (options.policy == RefPolicy::kAcked) {
    // What some group has yet to be handed is referenced, and so is all that follows it.
    for (const auto& [name, group] : groups_) bounds.id_last = std::min(bounds.id_last, group.last_delivered);
  }
  return bounds;
}

// True if no entry from `id` on is to be removed.
bool Stream::trimmed_up_to(StreamId id, const TrimBounds& bounds) const {
  return length_ <= bounds.length_max || id > bounds.id_last;
}

// True if the whole node lies within the bounds. The last entry counts even if deleted, as in Redis.
bool Stream::droppable_whole(const Node& node, const TrimBounds& bounds) const {
  return length_ - node.live() >= bounds.length_max && node.last_id() <= bounds.id_last;
}

// Removes entries one by one. `done` says that a bound was met.
uint64_t Stream::trim_inside(Node& node, RefPolicy policy, const TrimBounds& bounds, bool& done) {
  uint64_t removed = 0;
  Node* left = &node;
  EntryCursor entry(node);
  for (bool inside = entry.to_front(); inside && left != nullptr; inside = left != nullptr && entry.to_next()) {
    if (entry.deleted()) continue;
    const StreamId id = entry.id();
    done = trimmed_up_to(id, bounds);
    if (done) break;
    if (policy == RefPolicy::kAcked && is_referenced(id)) continue;
    if (policy == RefPolicy::kDelRef) purge_references(id);
    ++removed;
    left = erase_at(*left, entry);
  }
  return removed;
}

uint64_t Stream::trim(const TrimOptions& options) {
  const auto bounds = trim_bounds(options);
  if (!bounds) return 0;
  uint64_t removed = 0;
  bool done = false;
  for (Node* node = nodes_.first(); node != nullptr && !done;) {
    const StreamId key = node->master_id();
    const uint64_t live = node->live();
    if (trimmed_up_to(key, *bounds)) break;
    if (options.limit != 0 && removed + live > options.limit) break;
    if (options.policy == RefPolicy::kKeepRef && droppable_whole(*node, *bounds)) {
      length_ -= live;
      removed += live;
      drop_node(*node);
    } else if (options.approximate && options.policy == RefPolicy::kKeepRef) {
      break;
    } else {
      removed += trim_inside(*node, options.policy, *bounds, done);
      if (done) break;
    }
    node = nodes_.above(key);
  }
  if (removed > 0) find_first_id();
  return removed;
}

}  // namespace millrace::streams
