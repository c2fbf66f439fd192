// ReplyWriter: appends replies to a Buffer in RESP2 or RESP3.
//
// Handlers say what a value is (a map, a null, a set); the writer knows how each protocol spells it. Nothing here
// checks that announced lengths are kept: that is the caller's promise, and the comparison tests hold it to it.
// A writer is cheap (two words); it lives as long as one command. One thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/buffer.h"
#include "base/numbers.h"

namespace millrace::resp {

enum class Protocol : uint8_t { kResp2 = 2, kResp3 = 3 };

class ReplyWriter {
 public:
  ReplyWriter(Buffer& out, Protocol protocol) : out_(out), protocol_(protocol) {}

  Protocol protocol() const { return protocol_; }
  bool is_resp3() const { return protocol_ == Protocol::kResp3; }
  void set_protocol(Protocol protocol) { protocol_ = protocol; }
  // Bytes in the buffer, of this reply and of those before it.
  size_t size() const { return out_.size(); }
  Buffer& buffer() { return out_; }

  void simple(std::string_view text);  // +text; REQUIRES: no line break in it
  void ok() { simple("OK"); }
  // -text. Text that does not begin with '-' gets the code ERR: error("no such key") is "-ERR no such key",
  // error("-WRONGTYPE Operation ...") is sent as it stands. CR and LF inside become spaces.
  void error(std::string_view text);
  void integer(int64_t value) { number_line(':', value); }
  void bulk(std::string_view bytes);
  void bulk_integer(int64_t value);                               // an integer as a bulk string
  void real(double value);                                        // RESP3 ,1.5, RESP2 a bulk string
  void verbatim(std::string_view format, std::string_view text);  // RESP3 =..txt:..., RESP2 a bulk string
  void null();                                                    // RESP3 _, RESP2 $-1
  void null_array();                                              // RESP3 _, RESP2 *-1

  void array(int64_t length) { number_line('*', length); }
  void map(int64_t pairs) {  // RESP2: an array of twice the length
    is_resp3() ? number_line('%', pairs) : number_line('*', 2 * pairs);
  }
  void set(int64_t length) { number_line(is_resp3() ? '~' : '*', length); }   // RESP2: an array
  void push(int64_t length) { number_line(is_resp3() ? '>' : '*', length); }  // RESP2: an array

  // For lengths known only at the end: begin_array() keeps room for the header of `length_hint`, end_array() writes it
  // (and moves the elements by a byte or two if the real length has another number of digits). Nests.
  size_t begin_array(int64_t length_hint = 1);
  void end_array(size_t token, int64_t length);
  void end_map(size_t token, int64_t pairs);

 private:
  static constexpr size_t kHeaderBytesMax = kNumberTextMax + 3;  // mark, digits, CR LF

  // Writes "<mark><value>\r\n" and returns its length. REQUIRES: room for kHeaderBytesMax.
  static size_t put_header(char* out, char mark, int64_t value) {
    out[0] = mark;
    const size_t length = 1 + format_i64(value, out + 1);
    out[length] = '\r';
    out[length + 1] = '\n';
    return length + 2;
  }
  void number_line(char mark, int64_t value) { out_.commit(put_header(out_.reserve(kHeaderBytesMax), mark, value)); }
  void end_aggregate(size_t token, char mark, int64_t length);

  Buffer& out_;
  Protocol protocol_;
};

inline void ReplyWriter::simple(std::string_view text) {
  DCHECK(text.find_first_of("\r\n") == std::string_view::npos);
  char* const start = out_.reserve(text.size() + 3);
  start[0] = '+';
  text.copy(start + 1, text.size());
  start[1 + text.size()] = '\r';
  start[2 + text.size()] = '\n';
  out_.commit(text.size() + 3);
}

inline void ReplyWriter::bulk(std::string_view bytes) {
  char* const start = out_.reserve(kHeaderBytesMax + bytes.size() + 2);
  char* place = start + put_header(start, '$', static_cast<int64_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
  place += bytes.size();
  place[0] = '\r';
  place[1] = '\n';
  out_.commit(static_cast<size_t>(place - start) + 2);
}

}  // namespace millrace::resp
