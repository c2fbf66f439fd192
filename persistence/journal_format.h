// The bytes of a journal file: RESP commands as in Redis's append-only file, and lines that Redis passes over.
//
//   *3 CR LF $4 CR LF XADD CR LF ...                      a block: the commands of one flush, whole commands
//   #MR:<bytes>:<checksum>:<synced> CR LF                 its annotation
//   #TS:<unix seconds> CR LF                              a timestamp, part of a block
//
//   bytes      decimal: the block is so many bytes, directly before the annotation
//   checksum   16 digits 0-9a-f: XXH3 (64 bit) of the block followed by the digits of <synced>
//   synced     decimal: up to this offset of the file a completed sync had made everything durable when the block was
//              written, so it is never beyond the start of the block
//
// A transaction, MULTI to EXEC, lies within one block. Blocks stand one behind the other: a block begins where the
// annotation before it ends. The annotation of an empty block is a fence: what stands before it, back to the annotation
// before, may be somebody else's (Redis appends without annotations). A writer appends a fence
//   - as the first bytes of a file that it creates, synced before the manifest names the file, so that a torn first
//     flush is not mistaken for a broken file of Redis's;
//   - when it goes on with a file, behind what was there, with that made durable first (synced = size of the file);
//   - when it closes a file, behind a last sync, so that damage to the last block is known to be no torn write.
//
// Redis reads such lines into 128 bytes; ours are at most 64 long. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/buffer.h"

namespace millrace::persistence {

inline constexpr std::string_view kAnnotationMark = "#MR:";
inline constexpr size_t kAnnotationBytesMax = 64;
inline constexpr size_t kCommentBytesMax = 127;  // of a line that Redis passes over, with its end

struct Annotation {
  uint64_t block_bytes;
  uint64_t checksum;
  uint64_t synced;
};

// REQUIRES: `block` is the bytes that stand, or will stand, directly before the annotation. It may be the content of
// `out` itself. An empty block makes a fence.
void append_annotation(Buffer& out, std::string_view block, uint64_t synced_offset);
void append_timestamp(Buffer& out, int64_t unix_s);

// A whole line with its CR LF; nothing but what the functions above write is taken.
std::optional<Annotation> parse_annotation(std::string_view line);
std::optional<int64_t> parse_timestamp(std::string_view line);

// Whether an annotation can stand at `offset`: neither its block nor what was durable then goes beyond the file.
bool is_possible_at(const Annotation& annotation, uint64_t offset);

// Whether a file begins with an RDB part that commands may follow; five bytes are enough to tell.
bool begins_with_rdb(std::string_view first_bytes);

// "*2 CR LF $4 CR LF PING CR LF ..."
void encode_command(Buffer& out, std::span<const std::string_view> args);

}  // namespace millrace::persistence
