// See reply_writer.h.
#include "resp/reply_writer.h"

#include <algorithm>
#include <cstdio>

#include "base/check.h"

namespace millrace::resp {
namespace {

// Errors quote what clients have sent, and end at a line break, so none may be inside.
void append_line(Buffer& out, std::string_view mark, std::string_view text) {
  char* const start = out.reserve(mark.size() + text.size() + 2);
  char* place = std::copy(mark.begin(), mark.end(), start);
  for (const char c : text) *place++ = c == '\r' || c == '\n' ? ' ' : c;
  place[0] = '\r';
  place[1] = '\n';
  out.commit(static_cast<size_t>(place - start) + 2);
}

}  // namespace

void ReplyWriter::error(std::string_view text) {
  const bool has_code = !text.empty() && text[0] == '-';
  append_line(out_, has_code ? "" : "-ERR ", text);
}

void ReplyWriter::bulk_integer(int64_t value) {
  char digits[kNumberTextMax];
  bulk({digits, format_i64(value, digits)});
}

void ReplyWriter::real(double value) {
  char digits[40];
  const int length = std::snprintf(digits, sizeof digits, "%.17g", value);
  const std::string_view text(digits, static_cast<size_t>(length));
  is_resp3() ? append_line(out_, ",", text) : bulk(text);
}

void ReplyWriter::verbatim(std::string_view format, std::string_view text) {
  if (!is_resp3()) {
    bulk(text);
    return;
  }
  CHECK(format.size() == 3);
  number_line('=', static_cast<int64_t>(format.size() + 1 + text.size()));
  out_.append(format);
  out_.append(":");
  out_.append(text);
  out_.append("\r\n");
}

void ReplyWriter::null() {
  out_.append(is_resp3() ? "_\r\n" : "$-1\r\n");
}

void ReplyWriter::null_array() {
  out_.append(is_resp3() ? "_\r\n" : "*-1\r\n");
}

size_t ReplyWriter::begin_array(int64_t length_hint) {
  const size_t token = out_.size();
  array(length_hint);
  return token;
}

void ReplyWriter::end_array(size_t token, int64_t length) {
  end_aggregate(token, '*', length);
}

void ReplyWriter::end_map(size_t token, int64_t pairs) {
  is_resp3() ? end_aggregate(token, '%', pairs) : end_aggregate(token, '*', 2 * pairs);
}

// The header that begin_array() wrote at `token` is replaced. Outer headers lie before it and do not move.
void ReplyWriter::end_aggregate(size_t token, char mark, int64_t length) {
  char header[kHeaderBytesMax];
  const size_t header_size = put_header(header, mark, length);
  CHECK(token < out_.size());
  const size_t old_size = out_.view().find('\n', token) + 1 - token;
  const size_t body_size = out_.size() - token - old_size;
  if (header_size > old_size) out_.reserve(header_size - old_size);
  char* const place = out_.data() + token;
  if (header_size != old_size) std::memmove(place + header_size, place + old_size, body_size);
  std::memcpy(place, header, header_size);
  out_.truncate(token);
  out_.commit(header_size + body_size);
}

}  // namespace millrace::resp
