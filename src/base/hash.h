// XXH3 (64 bit) of a run of bytes. The seed is drawn once at start so that clients cannot aim at one bucket.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace {

uint64_t hash_bytes(std::string_view bytes, uint64_t seed);

}  // namespace millrace
