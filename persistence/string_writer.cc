// See string_writer.h.
#include "persistence/string_writer.h"

#include <algorithm>

namespace millrace::persistence {

bool StringWriter::advance(RdbEncoder& out, size_t bytes_max) {
  if (!has_started_) {
    if (text_.size() <= LzfPacker::kPieceMax) {
      out.string(text_);
      return true;
    }
    start(out);
  }
  if (packer_) {
    pack(out, bytes_max);
    return false;
  }
  const std::string_view part = rest_.substr(0, bytes_max);
  out.bytes(part);
  rest_.remove_prefix(part.size());
  return rest_.empty();
}

void StringWriter::start(RdbEncoder& out) {
  has_started_ = true;
  if (!out.compresses(text_.size())) return write_plainly(out);
  const size_t room = RdbEncoder::room_to_compress(text_.size());
  packer_.emplace(packed_.reserve(room), room);
}

void StringWriter::write_plainly(RdbEncoder& out) {
  packer_.reset();
  packed_.release();
  out.length(text_.size());
  rest_ = text_;
}

void StringWriter::pack(RdbEncoder& out, size_t bytes_max) {
  for (size_t done = 0; done < bytes_max && !rest_.empty();) {
    const std::string_view piece = rest_.substr(0, LzfPacker::kPieceMax);
    if (!packer_->add(piece)) return write_plainly(out);
    rest_.remove_prefix(piece.size());
    done += piece.size();
  }
  if (!rest_.empty()) return;
  packed_.commit(packer_->size());
  packer_.reset();
  out.compressed_head(packed_.size(), text_.size());
  rest_ = packed_.view();
}

}  // namespace millrace::persistence
