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
#include <string_view>

namespace millrace::persistence {

// Three bytes packed make 264, at most.
inline constexpr size_t kLzfRatioMax = 88;

// Writes at most `room` bytes to `out`; returns how many, or 0 if they would not do.
size_t lzf_pack(std::string_view text, char* out, size_t room);

// Exactly `size` bytes to `out`; false if the packed bytes are not that.
bool lzf_unpack(std::string_view packed, char* out, size_t size);

}  // namespace millrace::persistence
