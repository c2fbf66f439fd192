// check_journal(): the first of two passes over a journal file, so that nothing is applied before it is validated.
//
// Walks the file once, in bounded memory whatever it holds, and says how much of it is valid, and whether what is not
// is a tail that was never known to be durable (torn: cut it) or damage to what was (corrupt: do not start).
//
//   const JournalCheck check = check_journal(source, file_bytes, {});
//   if (source failed) ...                                   the answer is about what could be read
//   if (check.end == JournalEnd::kCorrupt) refuse(describe(check));
//   if (check.end == JournalEnd::kTorn) truncate_to(check.valid_bytes), warn(describe(check));
//   JournalReader reader(second_source, check.valid_bytes, {});
//
// Only the last file of a directory can be torn: one that others follow was synced before they began, so the caller
// refuses it if it is not whole.
//
// A file of Redis's, without annotations, is taken as Redis takes it: a last command that is cut off, or a transaction
// without its EXEC, is a torn tail, everything else that cannot be read is corruption.
//
// In a file with annotations, what stands behind the last of them is
//   - Redis's if there is a SELECT among its commands, for Redis begins with one when it goes on with a file (and may
//     have cut a block of ours before it did): its whole commands count, unless an annotation behind damage says that
//     they are a block of ours;
//   - else a block whose annotation never made it to the disk. Nothing of it counts, even where its commands look
//     whole, since the disk may have lost any sector of it.
// So a writer that gives a SELECT a block of its own loses no exactness by it. What stands between an annotation and a
// fence was accepted when the fence was written, and counts.
//
// Where there is damage, what follows is searched for lines that look like annotations, and they are believed about how
// far the file was durable, for they need not have come through whole themselves. A client that stores such lines as
// values can at worst, if the tail is torn right before them, make us refuse a file that we could have cut; never the
// reverse.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "persistence/byte_reader.h"
#include "persistence/journal_lexer.h"

namespace millrace::persistence {

enum class JournalEnd : uint8_t { kWhole, kTorn, kCorrupt };

// Offsets count from the start of the file.
struct JournalCheck {
  JournalEnd end = JournalEnd::kWhole;
  uint64_t valid_bytes = 0;       // ends behind a command or a line, outside of MULTI ... EXEC
  uint64_t damage_offset = 0;     // of the first block, command or line that is damaged; else the end of the file
  std::string_view damage = {};   // what it is, in words; lives forever
  uint64_t commands = 0;          // within valid_bytes
  uint64_t blocks = 0;            // with a checksum that is right, fences included
  uint64_t unverified_bytes = 0;  // of valid_bytes: what no checksum covers
  uint64_t synced_bytes = 0;      // how far the file is known to have been durable once
};

JournalCheck check_journal(ByteSource& source, uint64_t file_bytes, const JournalOptions& options);

// For the log: "damaged at offset 4711 (a checksum does not match); valid up to offset 4000, known durable up to 3000".
std::string describe(const JournalCheck& check);

}  // namespace millrace::persistence
