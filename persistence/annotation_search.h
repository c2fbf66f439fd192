// AnnotationSearch: what lines that look like annotations say, among bytes that nothing vouches for.
//
// Fed with everything behind the last annotation that was found right; keeps no more than one line of it. Lines are
// found wherever they stand: behind damage nothing is known of where a line or an argument begins.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::persistence {

class AnnotationSearch {
 public:
  explicit AnnotationSearch(uint64_t begin) : begin_(begin), fed_to_(begin) {}

  // Forgets everything; what is fed begins at `offset` of the file.
  void restart(uint64_t offset);
  void feed(std::string_view bytes);

  // The greatest <synced> of the lines whose numbers are possible where they stand; 0 if there were none.
  uint64_t synced() const { return synced_; }
  // Whether a line says that its block is exactly what was fed before it.
  bool found_end_of_block() const { return found_end_of_block_; }

 private:
  void search(std::string_view bytes, uint64_t offset);
  void consider(std::string_view line, uint64_t offset);

  uint64_t begin_;
  uint64_t fed_to_;
  std::string carried_;  // the end of what was fed, shorter than a line
  uint64_t synced_ = 0;
  bool found_end_of_block_ = false;
};

}  // namespace millrace::persistence
