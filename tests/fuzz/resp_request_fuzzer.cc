// Feeds arbitrary bytes to the request parser, whole and cut at places the input itself picks, and requires that both
// give the same requests, the same consumed bytes and the same error.
//
//   input:  seed byte, limits byte, stream of requests
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "resp/request_parser.h"

namespace {

using millrace::Random;
using millrace::resp::RequestLimits;
using millrace::resp::RequestParser;
using Status = RequestParser::Status;

struct History {
  std::vector<std::vector<std::string>> requests;
  Status end = Status::kNeedMore;
  std::string error;
  size_t consumed = 0;

  friend bool operator==(const History&, const History&) = default;
};

void check_args(const RequestParser& parser, const RequestLimits& limits) {
  CHECK(static_cast<int64_t>(parser.args().size()) <= limits.argument_count_max + limits.inline_bytes_max);
  for (const std::string_view arg : parser.args()) {
    CHECK(static_cast<int64_t>(arg.size()) <= limits.argument_bytes_max + limits.inline_bytes_max);
  }
}

// Parses everything `bytes` holds; `next_end(end)` says how much of it has arrived after `end` bytes did. Each piece is
// handed over at a fresh address of exactly its size, so that AddressSanitizer sees every step beyond it.
template <typename NextEnd>
History run(std::string_view bytes, const RequestLimits& limits, NextEnd next_end) {
  History history;
  RequestParser parser;
  size_t end = next_end(0);
  while (true) {
    const std::vector<char> arrived(bytes.begin() + static_cast<ptrdiff_t>(history.consumed),
                                    bytes.begin() + static_cast<ptrdiff_t>(end));
    const Status status = parser.parse({arrived.data(), arrived.size()}, limits);
    if (status == Status::kNeedMore) {
      CHECK(parser.bytes_wanted() <= 2 * arrived.size() + 64 * 1024);
      if (end == bytes.size()) return history;
      end = next_end(end);
      continue;
    }
    history.end = status;
    if (status != Status::kDone) {
      if (status == Status::kBroken) history.error = parser.error_text();
      return history;
    }
    CHECK(parser.consumed() > 0 && parser.consumed() <= arrived.size());
    check_args(parser, limits);
    history.requests.emplace_back(parser.args().begin(), parser.args().end());
    history.consumed += parser.consumed();
    history.end = Status::kNeedMore;
    parser.next();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  Random random(data[0]);
  RequestLimits limits;
  limits.authenticated = (data[1] & 1) != 0;
  if (data[1] & 2) {
    limits.argument_count_max = 3;
    limits.argument_bytes_max = 5;
    limits.inline_bytes_max = 16;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const History whole = run(bytes, limits, [&](size_t) { return bytes.size(); });
  const size_t piece_max = random.one_in(2) ? 2 : 40;
  const History split = run(bytes, limits, [&](size_t end) {
    const size_t next = end + 1 + random.below(piece_max);
    return next < bytes.size() ? next : bytes.size();
  });
  CHECK(whole == split);
  return 0;
}
