// Random: a small seeded generator (xoshiro256**, seeded by splitmix64; both by Blackman and Vigna, public domain
// algorithms). Not for secrets. One thread at a time.
#pragma once

#include <bit>
#include <cstdint>

namespace millrace {

class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      uint64_t mixed = seed;
      mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
      word = mixed ^ (mixed >> 31);
    }
  }

  uint64_t next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  // Uniform in [0, bound); REQUIRES bound > 0. The bias of the multiplication is below 2^-32 for the bounds we use.
  uint64_t below(uint64_t bound) { return static_cast<uint64_t>((static_cast<Wide>(next()) * bound) >> 64); }
  // True once in `n` calls on average.
  bool one_in(uint64_t n) { return below(n) == 0; }

 private:
  __extension__ using Wide = unsigned __int128;

  uint64_t state_[4];
};

}  // namespace millrace
