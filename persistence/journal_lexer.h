// JournalLexer: commands and comment lines of a journal, from bytes that come in blocks and are not trusted.
//
//   while (lexer.more()) {
//     switch (lexer.read()) ...        args(), comment() or fault(); offset() is then behind what was read
//   }
//
// What both passes over a file share. No number that was read sizes an allocation: what spans blocks of the source is
// collected as it arrives. A command that lies within one block costs no copy. Views live until the next call. One
// owner at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "persistence/byte_reader.h"

namespace millrace::persistence {

struct JournalOptions {
  uint64_t begin = 0;  // where in the file the source begins: behind its RDB part
  uint64_t argument_count_max = 1024 * 1024;
  uint64_t argument_bytes_max = 512ull * 1024 * 1024;
};

class JournalLexer {
 public:
  enum class Item : uint8_t {
    kCommand,
    kComment,
    kCut,     // the source ended within it
    kBroken,  // neither of them; nothing can be read any more
  };
  enum class Keep : uint8_t {
    kArguments,
    kName,  // of the arguments of a command only the first, empty if it is long: memory is bounded
  };

  JournalLexer(ByteSource& source, const JournalOptions& options, Keep keep)
      : source_(source), options_(options), keep_(keep), block_offset_(options.begin) {}

  // Whether anything follows; its first byte then lies in the source's current block.
  bool more();
  // In the file, of what read() reads next.
  uint64_t offset() const { return block_offset_ + position_; }
  bool at_comment() const { return block_[position_] == '#'; }  // REQUIRES: more()
  Item read();                                                  // REQUIRES: more()

  std::span<const std::string_view> args() const { return args_; }  // after kCommand
  std::string_view comment() const { return comment_; }             // after kComment: the line with its end
  std::string_view fault() const { return fault_; }                 // after the others; lives forever

 private:
  struct Piece {
    size_t offset;  // in collected_
    size_t length;
  };

  bool read_within_block();
  Item read_across_blocks();
  Item read_header(char mark, uint64_t& value, std::string_view fault);
  Item read_bulk(uint64_t length);
  Item read_line_end(std::string_view fault);
  Item read_comment();
  Item broken(std::string_view fault);
  Item cut();
  void shrink();

  ByteSource& source_;
  const JournalOptions options_;
  const Keep keep_;
  std::string_view block_;
  size_t position_ = 0;  // in the block
  uint64_t block_offset_;
  std::vector<std::string_view> args_;
  Buffer collected_;           // what spans blocks
  std::vector<Piece> pieces_;  // the arguments in it
  std::string_view comment_;
  std::string_view fault_;
};

}  // namespace millrace::persistence
