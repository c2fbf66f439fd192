// See stream_request.h.
#include "load/stream_request.h"

#include <algorithm>
#include <vector>

#include "base/numbers.h"

namespace millrace::load {
namespace {

constexpr std::string_view kNamePrefix = "stream_load:";
constexpr size_t kNumberDigits = 7;

void write_number(uint64_t number, char* end) {
  for (size_t i = 0; i < kNumberDigits; ++i, number /= 10) *--end = static_cast<char>('0' + number % 10);
}

void append_length(Buffer& out, char kind, size_t length) {
  char* bytes = out.reserve(kNumberTextMax + 3);
  bytes[0] = kind;
  const size_t digits = format_u64(length, bytes + 1);
  bytes[1 + digits] = '\r';
  bytes[2 + digits] = '\n';
  out.commit(digits + 3);
}

void append_word(Buffer& out, std::string_view word) {
  append_length(out, '$', word.size());
  out.append(word);
  out.append("\r\n");
}

void call_for_all(Connection& control, int64_t streams, const StreamRequest& request) {
  constexpr int64_t kAtOnce = 1000;
  for (int64_t done = 0; done < streams;) {
    const int64_t end = std::min(done + kAtOnce, streams);
    Buffer requests;
    for (int64_t i = done; i < end; ++i) request.append_to(requests, static_cast<uint64_t>(i));
    control.send(requests.view());
    for (; done < end; ++done) control.wait_for_reply();
  }
}

}  // namespace

std::string stream_name(uint64_t stream) {
  std::string name(kNamePrefix);
  name.append(kNumberDigits, '0');
  write_number(stream, name.data() + name.size());
  return name;
}

StreamRequest::StreamRequest(std::initializer_list<std::string_view> words) {
  const std::string name = stream_name(0);
  std::vector<std::string_view> named(words);
  std::ranges::replace(named, kAnyStream, std::string_view(name));
  bytes_ = command(named);
  digits_end_ = bytes_.find(name) + name.size();
}

void StreamRequest::append_to(Buffer& out, uint64_t stream) const {
  out.append(bytes_);
  write_number(stream, out.data() + out.size() - bytes_.size() + digits_end_);
}

void append_acknowledge(Buffer& out, std::string_view stream, EntryParts entries) {
  append_length(out, '*', 3 + entries.size() / kPartsOfEntry);
  append_word(out, "XACK");
  append_word(out, stream);
  append_word(out, kGroup);
  for (size_t i = 0; i < entries.size(); i += kPartsOfEntry) append_word(out, entries[i]);
}

void delete_streams(Connection& control, int64_t streams) {
  call_for_all(control, streams, StreamRequest({"DEL", StreamRequest::kAnyStream}));
}

void make_streams_with_group(Connection& control, int64_t streams) {
  call_for_all(control, streams,
               StreamRequest({"XGROUP", "CREATE", StreamRequest::kAnyStream, kGroup, "0", "MKSTREAM"}));
}

}  // namespace millrace::load
