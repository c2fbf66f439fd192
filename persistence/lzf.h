// LZF, in which RDB files keep long text:
//
//   000lllll                   l + 1 bytes as they are follow
//   lllooooo oooooooo          l + 2 bytes (l is 1..6) again from o + 1 bytes back
//   111ooooo llllllll oooooooo l + 9 bytes again from o + 1 bytes back
//
// Unpacking is liblzf's. Packing is not: liblzf looks its matches up in 256 KB of memory that it does not clear, which
// costs most of its time on texts of a few KB, and its output is not always the same. Here it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace millrace::persistence {

// Three bytes packed make 264, at most.
inline constexpr size_t kLzfRatioMax = 88;
// Readers count in 32 bits, of what is packed and what is not.
inline constexpr size_t kLzfTextMax = std::numeric_limits<uint32_t>::max();

// Writes at most `room` bytes to `out`; returns how many, or 0 if they would not do.
size_t lzf_pack(std::string_view text, char* out, size_t room);

// The same in pieces: what they pack to stands one behind the other.
class LzfPacker {
 public:
  static constexpr size_t kPieceMax = 65536;  // so that places fit 16 bits

  LzfPacker(char* out, size_t room) : begin_(out), out_(out), end_(out + room) {}

  // False if there is no room. Matches do not reach back into earlier pieces. REQUIRES: it has at most kPieceMax bytes.
  bool add(std::string_view piece);
  size_t size() const { return static_cast<size_t>(out_ - begin_); }

 private:
  bool literals(const char* from, const char* to);
  bool match(size_t distance, size_t size);

  char* begin_;
  char* out_;
  char* end_;
};

// Exactly `size` bytes to `out`; false if the packed bytes are not that.
bool lzf_unpack(std::string_view packed, char* out, size_t size);

}  // namespace millrace::persistence
