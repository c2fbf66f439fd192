// See journal_check.h.
//
//   | commands | annotation | commands | annotation | commands ... | end of the file, or damage
//                           ^ mark_ = where the region begins that no annotation vouches for yet
#include "persistence/journal_check.h"

#include <algorithm>

#include "base/letters.h"
#include "persistence/annotation_search.h"
#include "persistence/journal_checksum.h"
#include "persistence/journal_format.h"

namespace millrace::persistence {
namespace {

constexpr std::string_view kWrongLength = "a block is not as long as its annotation says";
constexpr std::string_view kWrongChecksum = "a checksum does not match";
constexpr std::string_view kWrongSynced = "an annotation with impossible numbers";
constexpr std::string_view kWrongAnnotation = "an annotation is not well-formed";
constexpr std::string_view kUnknownLine = "an unknown line beginning with #";
constexpr std::string_view kNoAnnotation = "a block without its annotation";
constexpr std::string_view kHiddenAnnotation = "a block whose annotation lies within a command";
constexpr std::string_view kNoExec = "a transaction without its EXEC";
constexpr std::string_view kShortRead = "reading stopped before the end of the file";

// Checksums the bytes of a source and searches them before they are gone, from the last mark on.
class WatchedSource : public ByteSource {
 public:
  WatchedSource(ByteSource& source, uint64_t begin)
      : source_(source), offset_(begin), mark_(begin), summed_to_(begin), search_(begin) {}

  std::string_view next_block() override {
    checksum_to(offset_ + block_.size());
    search_.feed(block_.substr(std::max(mark_, offset_) - offset_));
    offset_ += block_.size();
    if (!ended_) block_ = source_.next_block();
    ended_ = block_.empty();
    return block_;
  }
  void read_to_end() {
    while (!ended_) next_block();
  }

  uint64_t end() const { return offset_ + block_.size(); }  // of what was read
  // REQUIRES: `offset` lies in the block that was handed out last, or at its end.
  const JournalChecksum& checksum_to(uint64_t offset) {
    checksum_.add(block_.substr(summed_to_ - offset_, offset - summed_to_));
    summed_to_ = offset;
    return checksum_;
  }
  void set_mark(uint64_t offset) {
    mark_ = summed_to_ = offset;
    checksum_.restart();
    search_.restart(offset);
  }
  const AnnotationSearch& search() const { return search_; }

 private:
  ByteSource& source_;
  std::string_view block_;
  uint64_t offset_;  // of the block
  uint64_t mark_;
  uint64_t summed_to_;
  bool ended_ = false;
  JournalChecksum checksum_;
  AnnotationSearch search_;
};

class Checker {
 public:
  Checker(ByteSource& source, const JournalOptions& options)
      : source_(source, options.begin),
        lexer_(source_, options, JournalLexer::Keep::kName),
        begin_(options.begin),
        mark_(options.begin),
        valid_{options.begin, 0},
        valid_at_mark_(valid_) {}

  JournalCheck run(uint64_t file_bytes) {
    while (damage_.empty() && lexer_.more()) take_item();
    source_.read_to_end();
    look_at_end(file_bytes);
    return result();
  }

 private:
  // What a file may be cut to.
  struct Point {
    uint64_t bytes;
    uint64_t commands;
  };

  void take_item();
  void take_command(std::string_view name);
  void take_comment();
  void take_annotation(const Annotation& annotation);
  void step();
  void damaged(uint64_t offset, std::string_view damage);
  void block_damaged(uint64_t offset, std::string_view damage);
  void look_at_end(uint64_t file_bytes);
  // Whether the region can only be a block that has lost its annotation.
  bool is_block_of_ours() const { return blocks_ > 0 && !region_selects_; }
  JournalEnd end_after_damage(uint64_t synced) const;
  JournalCheck result() const;

  WatchedSource source_;
  JournalLexer lexer_;
  const uint64_t begin_;
  uint64_t start_ = 0;     // of the item at hand
  JournalChecksum block_;  // of the region up to the line at hand
  uint64_t mark_;
  bool region_selects_ = false;  // a database
  Point valid_;
  Point valid_at_mark_;
  bool in_transaction_ = false;
  uint64_t commands_ = 0;
  uint64_t blocks_ = 0;
  uint64_t unverified_bytes_ = 0;  // before the mark
  uint64_t synced_ = 0;            // according to annotations that were right
  std::string_view damage_;
  uint64_t damage_offset_ = 0;
  bool block_is_damaged_ = false;  // nothing of the region counts
  bool is_cut_ = false;            // nothing but the end of something is missing
  bool is_hopeless_ = false;       // not to be cut in any case
};

void Checker::take_item() {
  start_ = lexer_.offset();
  if (lexer_.at_comment()) block_ = source_.checksum_to(start_);
  switch (lexer_.read()) {
    case JournalLexer::Item::kCommand:
      return take_command(lexer_.args()[0]);
    case JournalLexer::Item::kComment:
      return take_comment();
    case JournalLexer::Item::kCut:
      is_cut_ = true;
      return damaged(start_, lexer_.fault());
    case JournalLexer::Item::kBroken:
      return damaged(start_, lexer_.fault());
  }
}

void Checker::take_command(std::string_view name) {
  ++commands_;
  if (same_word(name, "select")) region_selects_ = true;
  if (same_word(name, "multi")) in_transaction_ = true;
  if (same_word(name, "exec")) in_transaction_ = false;
  step();
}

void Checker::take_comment() {
  const std::string_view line = lexer_.comment();
  if (const auto annotation = parse_annotation(line)) return take_annotation(*annotation);
  if (line.starts_with(kAnnotationMark)) return block_damaged(start_, kWrongAnnotation);
  if (blocks_ > 0 && !parse_timestamp(line)) return damaged(start_, kUnknownLine);
  step();
}

void Checker::take_annotation(const Annotation& annotation) {
  const bool is_fence = annotation.block_bytes == 0;
  const uint64_t region_bytes = start_ - mark_;
  if (!is_fence && annotation.block_bytes != region_bytes) return block_damaged(mark_, kWrongLength);
  const uint64_t checksum = (is_fence ? JournalChecksum() : block_).of_block(annotation.synced);
  if (annotation.checksum != checksum) return block_damaged(mark_, kWrongChecksum);
  if (!is_possible_at(annotation, start_)) return block_damaged(mark_, kWrongSynced);
  if (is_fence) unverified_bytes_ += region_bytes;
  synced_ = std::max(synced_, annotation.synced);
  ++blocks_;
  step();
  mark_ = lexer_.offset();
  valid_at_mark_ = valid_;
  region_selects_ = false;
  source_.set_mark(mark_);
}

void Checker::step() {
  if (!in_transaction_) valid_ = {lexer_.offset(), commands_};
}

void Checker::damaged(uint64_t offset, std::string_view damage) {
  damage_offset_ = offset;
  damage_ = damage;
}

void Checker::block_damaged(uint64_t offset, std::string_view damage) {
  block_is_damaged_ = true;
  damaged(offset, damage);
}

void Checker::look_at_end(uint64_t file_bytes) {
  if (source_.end() < file_bytes) {
    is_hopeless_ = true;
    return damaged(source_.end(), kShortRead);
  }
  const bool has_annotation = blocks_ > 0 && source_.search().found_end_of_block();
  if (!damage_.empty()) {
    block_is_damaged_ |= is_block_of_ours() || has_annotation;
    return;
  }
  if (is_block_of_ours() && source_.end() > mark_) return block_damaged(mark_, kNoAnnotation);
  if (has_annotation) {
    is_hopeless_ = true;
    return block_damaged(mark_, kHiddenAnnotation);
  }
  is_cut_ = in_transaction_;
  if (in_transaction_) damaged(valid_.bytes, kNoExec);
}

JournalEnd Checker::end_after_damage(uint64_t synced) const {
  if (is_hopeless_ || (blocks_ == 0 && !is_cut_)) return JournalEnd::kCorrupt;
  const uint64_t lost_from = block_is_damaged_ ? mark_ : std::max(damage_offset_, mark_);
  return synced > lost_from ? JournalEnd::kCorrupt : JournalEnd::kTorn;
}

JournalCheck Checker::result() const {
  const Point& valid = block_is_damaged_ ? valid_at_mark_ : valid_;
  const uint64_t synced = std::max(synced_, source_.search().synced());
  const uint64_t behind_mark = valid.bytes > mark_ ? valid.bytes - mark_ : 0;
  return {
      .end = damage_.empty() ? JournalEnd::kWhole : end_after_damage(synced),
      .valid_bytes = valid.bytes,
      .damage_offset = damage_.empty() ? source_.end() : damage_offset_,
      .damage = damage_,
      .commands = valid.commands,
      .blocks = blocks_,
      .unverified_bytes = std::min(unverified_bytes_ + behind_mark, valid.bytes - begin_),
      .synced_bytes = damage_.empty() ? synced_ : synced,
  };
}

}  // namespace

JournalCheck check_journal(ByteSource& source, uint64_t file_bytes, const JournalOptions& options) {
  return Checker(source, options).run(file_bytes);
}

std::string describe(const JournalCheck& check) {
  if (check.end == JournalEnd::kWhole) return "whole, " + std::to_string(check.valid_bytes) + " bytes";
  return "damaged at offset " + std::to_string(check.damage_offset) + " (" + std::string(check.damage) +
         "); valid up to offset " + std::to_string(check.valid_bytes) + ", known durable up to " +
         std::to_string(check.synced_bytes);
}

}  // namespace millrace::persistence
