// CRC-64 as RDB files and DUMP payloads carry it: polynomial 0xad93d23594c935a9 (Jones), bits reflected, start and
// final xor 0. crc64(0, "123456789") is 0xe9c6d914c4b8d9ca.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::persistence {

// The checksum of what `crc` is the checksum of, followed by `bytes`.
uint64_t crc64(uint64_t crc, std::string_view bytes);

// The checksum of what `crc` is the checksum of, followed by `count` zero bytes: what a difference near the start of a
// file makes of the checksum at its end.
uint64_t crc64_followed_by_zeros(uint64_t crc, uint64_t count);

// crc64() by tables alone, as on processors without a carry-less multiplication.
uint64_t crc64_by_table(uint64_t crc, std::string_view bytes);

}  // namespace millrace::persistence
