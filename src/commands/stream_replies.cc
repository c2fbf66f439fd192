// Writing stream entries and ids as replies. See stream_replies.h.
#include "commands/stream_replies.h"

#include <algorithm>
#include <cstring>

#include "base/numbers.h"

namespace millrace::commands {

using streams::EntryIterator;
using streams::StreamId;

namespace {

// "*4\r\n$41\r\n" + id + "\r\n*" + a count + "\r\n"
constexpr size_t kEntryHeaderMax = 4 + 5 + streams::kStreamIdTextMax + 3 + kNumberTextMax + 2;

char* put_line_end(char* at) {
  at[0] = '\r';
  at[1] = '\n';
  return at + 2;
}

// "$15\r\n1700000000000-0\r\n". The id is written where it stands if its length has two digits, as it has for every id
// of a clock.
char* put_id(char* at, StreamId id) {
  constexpr size_t kHeaderBytes = 5;
  char* const text = at + kHeaderBytes;
  const size_t size = streams::format_stream_id(id, text);
  *at++ = '$';
  at = put_line_end(at + format_u64(size, at));
  if (at != text) std::memmove(at, text, size);
  return put_line_end(at + size);
}

void write_id_and_fields(resp::ReplyWriter& reply, EntryIterator& entry, char element_count) {
  const size_t pairs = entry.pair_count();
  char* const start = reply.buffer().reserve(kEntryHeaderMax);
  char* at = start;
  *at++ = '*';
  *at++ = element_count;
  at = put_id(put_line_end(at), entry.id());
  *at++ = '*';
  at += format_u64(2 * pairs, at);
  at = put_line_end(at);
  reply.buffer().commit(static_cast<size_t>(at - start));
  for (size_t i = 0; i < pairs; ++i) {
    const auto [field, value] = entry.next_pair();
    reply.bulk(field);
    reply.bulk(value);
  }
}

}  // namespace

void write_id(resp::ReplyWriter& reply, StreamId id) {
  char* const start = reply.buffer().reserve(kEntryHeaderMax);
  reply.buffer().commit(static_cast<size_t>(put_id(start, id) - start));
}

void write_entry(resp::ReplyWriter& reply, EntryIterator& entry) {
  write_id_and_fields(reply, entry, '2');
}

void write_entry(resp::ReplyWriter& reply, EntryIterator& entry, int64_t idle_ms, int64_t delivery_count) {
  write_id_and_fields(reply, entry, '4');
  reply.integer(idle_ms);
  reply.integer(delivery_count);
}

void write_missing_entry(resp::ReplyWriter& reply, StreamId id) {
  reply.array(2);
  write_id(reply, id);
  reply.null_array();
}

void write_entries(resp::ReplyWriter& reply, const streams::Stream& stream, StreamId start, StreamId end, bool reverse,
                   uint64_t count) {
  const uint64_t expected = count == 0 ? stream.length() : std::min(count, stream.length());
  const size_t array = reply.begin_array(static_cast<int64_t>(expected));
  int64_t written = 0;
  for (auto entry = stream.entries(start, end, reverse); entry.valid(); entry.next()) {
    write_entry(reply, entry);
    ++written;
    if (static_cast<uint64_t>(written) == count) break;
  }
  reply.end_array(array, written);
}

}  // namespace millrace::commands
