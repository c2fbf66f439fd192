// Feeds arbitrary bytes to the check of a journal, the reader and the manifest, and requires that the check's answer
// does not depend on how the source is cut, that what it found valid is read without a fault and is valid by itself,
// that a block appended to it is too, and that a manifest that was let in is written and read again as it is.
//
//   input = | what to feed it to, and in what blocks (1) | bytes |
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/check.h"
#include "persistence/journal_check.h"
#include "persistence/journal_format.h"
#include "persistence/journal_reader.h"
#include "persistence/manifest.h"

namespace {

using namespace millrace;
using namespace millrace::persistence;

// Blocks in memory of their own, so that a view that is used for too long is noticed.
class BlockSource : public ByteSource {
 public:
  BlockSource(std::string_view bytes, size_t block_size) : bytes_(bytes), block_size_(block_size) {}
  std::string_view next_block() override {
    const std::string_view next = bytes_.substr(0, block_size_);
    bytes_.remove_prefix(next.size());
    block_ = std::vector<char>(next.begin(), next.end());
    return {block_.data(), block_.size()};
  }

 private:
  std::string_view bytes_;
  size_t block_size_;
  std::vector<char> block_;
};

JournalCheck check_of(std::string_view bytes, size_t block_size) {
  BlockSource source(bytes, block_size);
  return check_journal(source, bytes.size(), {});
}

uint64_t commands_up_to(std::string_view bytes, uint64_t end, size_t block_size) {
  BlockSource source(bytes, block_size);
  JournalReader reader(source, end, {});
  uint64_t count = 0;
  while (const auto command = reader.next()) {
    CHECK(!command->args.empty() && command->offset < end);
    ++count;
  }
  CHECK(!reader.failed() && reader.offset() == end);
  return count;
}

void read_journal(std::string_view bytes, size_t block_size) {
  const JournalCheck check = check_of(bytes, block_size);
  CHECK(check.valid_bytes <= bytes.size() && check.damage_offset <= bytes.size());
  CHECK(check.unverified_bytes <= check.valid_bytes);
  CHECK((check.end == JournalEnd::kWhole) == (check.valid_bytes == bytes.size() && check.damage.empty()));
  CHECK(describe(check) == describe(check_of(bytes, bytes.size() + 1)));
  CHECK(commands_up_to(bytes, check.valid_bytes, block_size) == check.commands);

  // As a server goes on with it: cut, a fence, a block.
  Buffer next;
  next.append(bytes.substr(0, check.valid_bytes));
  append_annotation(next, {}, next.size());
  constexpr std::string_view kPing[] = {"PING"};
  Buffer block;
  encode_command(block, kPing);
  append_annotation(block, block.view(), check.valid_bytes);
  next.append(block.view());
  const JournalCheck again = check_of(next.view(), block_size);
  CHECK(again.end == JournalEnd::kWhole && again.commands == check.commands + 1);
}

void read_manifest(std::string_view text) {
  const auto manifest = Manifest::parse(text);
  if (!manifest.ok()) {
    CHECK(!describe(manifest.error()).empty());
    return;
  }
  const std::string written = manifest->format();
  const auto again = Manifest::parse(written);
  if (again.ok()) CHECK(again->format() == written);
  Manifest next = *manifest;
  next.set_base(next.next_base("appendonly.aof", true));
  next.add_incr(next.next_incr("appendonly.aof"));
  next.retire_incrs(1);
  CHECK(next.incrs().size() == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] & 1) {
    read_journal(bytes, size_t{1} + (data[0] >> 1));
  } else {
    read_manifest(bytes);
  }
  return 0;
}
