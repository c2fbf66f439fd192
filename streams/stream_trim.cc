// Trimming: removal from the head of a stream, by length or by id, under the three policies for references.
#include "streams/stream.h"

namespace millrace::streams {

// True if the whole node lies before the bound. The last entry counts even if deleted, as in Redis.
bool Stream::droppable_whole(const Node& node, const TrimOptions& options) const {
  if (options.policy != RefPolicy::kKeepRef) return false;
  if (options.strategy == TrimOptions::Strategy::kMinId) return node.last_id() < options.id_min;
  return length_ - node.live() >= options.length_max;
}

// True if no entry from `id` on is to be removed.
bool Stream::trimmed_up_to(StreamId id, const TrimOptions& options) const {
  if (options.strategy == TrimOptions::Strategy::kMinId) return id >= options.id_min;
  return length_ <= options.length_max;
}

// Removes entries one by one. `done` says that the bound was met.
uint64_t Stream::trim_inside(Node& node, const TrimOptions& options, bool& done) {
  uint64_t removed = 0;
  EntryCursor entry(node);
  for (bool inside = entry.seek_at_or_after(first_id_); inside; inside = entry.to_next()) {
    if (entry.deleted()) continue;
    const StreamId id = entry.id();
    done = trimmed_up_to(id, options);
    if (done) break;
    if (options.policy == RefPolicy::kAcked && is_referenced(id)) continue;
    if (options.policy == RefPolicy::kDelRef) purge_references(id);
    ++removed;
    if (!erase_at(entry)) break;
  }
  return removed;
}

uint64_t Stream::trim(const TrimOptions& options) {
  uint64_t removed = 0;
  bool done = false;
  for (Node* node = nodes_.first(); node != nullptr && !done;) {
    const StreamId key = node->master_id();
    const uint64_t live = node->live();
    if (trimmed_up_to(key, options)) break;
    if (options.limit != 0 && removed + live > options.limit) break;
    if (droppable_whole(*node, options)) {
      length_ -= live;
      removed += live;
      drop_node(*node);
    } else if (options.approximate && options.policy == RefPolicy::kKeepRef) {
      break;
    } else {
      removed += trim_inside(*node, options, done);
    }
    node = nodes_.above(key);
  }
  if (removed > 0) find_first_id();
  return removed;
}

}  // namespace millrace::streams
