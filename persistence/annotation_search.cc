// See annotation_search.h.
#include "persistence/annotation_search.h"

#include <algorithm>

#include "persistence/journal_format.h"

namespace millrace::persistence {

void AnnotationSearch::restart(uint64_t offset) {
  *this = AnnotationSearch(offset);
}

// A line that spans two feeds is found in what was carried and as much of the new bytes as a line can have.
void AnnotationSearch::feed(std::string_view bytes) {
  const uint64_t joined_offset = fed_to_ - carried_.size();
  carried_ += bytes.substr(0, kAnnotationBytesMax);
  search(carried_, joined_offset);
  search(bytes, fed_to_);
  fed_to_ += bytes.size();
  if (bytes.size() > kAnnotationBytesMax) carried_ = bytes.substr(bytes.size() - kAnnotationBytesMax);
  if (carried_.size() > kAnnotationBytesMax) carried_.erase(0, carried_.size() - kAnnotationBytesMax);
}

void AnnotationSearch::search(std::string_view bytes, uint64_t offset) {
  for (size_t at = 0; (at = bytes.find(kAnnotationMark, at)) != std::string_view::npos; ++at) {
    const std::string_view rest = bytes.substr(at, kAnnotationBytesMax);
    consider(rest.substr(0, rest.find('\n') + 1), offset + at);
  }
}

void AnnotationSearch::consider(std::string_view line, uint64_t offset) {
  const auto annotation = parse_annotation(line);
  if (!annotation || !is_possible_at(*annotation, offset)) return;
  synced_ = std::max(synced_, annotation->synced);
  if (offset - annotation->block_bytes == begin_) found_end_of_block_ = true;
}

}  // namespace millrace::persistence
