// Writing stream entries and ids as replies.
//
//   entry          *2  $id  *2k $field $value ...
//   claimed entry  *4  $id  *2k $field $value ...  :idle_ms  :delivery_count      (XREADGROUP with CLAIM)
//
// The headers of an entry go straight into the reply's buffer, one reservation per entry. The shape is the same in both
// protocols.
#pragma once

#include <cstdint>
#include <string_view>

#include "resp/reply_writer.h"
#include "streams/stream.h"

namespace millrace::commands {

// Always a bulk string "ms-seq".
void write_id(resp::ReplyWriter& reply, streams::StreamId id);

void write_entry(resp::ReplyWriter& reply, streams::EntryIterator& entry);
void write_entry(resp::ReplyWriter& reply, streams::EntryIterator& entry, int64_t idle_ms, int64_t delivery_count);
// An entry that is pending but gone from the stream: its id and a null array.
void write_missing_entry(resp::ReplyWriter& reply, streams::StreamId id);

// An array of the entries between the ends; count 0 = no limit.
void write_entries(resp::ReplyWriter& reply, const streams::Stream& stream, streams::StreamId start,
                   streams::StreamId end, bool reverse, uint64_t count);

}  // namespace millrace::commands
