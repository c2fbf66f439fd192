// See journal_checksum.h.
#include "persistence/journal_checksum.h"

#include <new>

#include "base/check.h"
#include "base/numbers.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::persistence {
namespace {

XXH3_state_t& state_in(std::byte* memory) {
  return *std::launder(reinterpret_cast<XXH3_state_t*>(memory));
}

}  // namespace

void JournalChecksum::restart() {
  static_assert(sizeof(XXH3_state_t) == kStateBytes && alignof(XXH3_state_t) <= 64);
  auto* const state = ::new (static_cast<void*>(state_.data())) XXH3_state_t;
  CHECK(XXH3_64bits_reset(state) == XXH_OK);
}

void JournalChecksum::add(std::string_view bytes) {
  if (bytes.empty()) return;
  CHECK(XXH3_64bits_update(&state_in(state_.data()), bytes.data(), bytes.size()) == XXH_OK);
}

uint64_t JournalChecksum::of_block(uint64_t synced) const {
  JournalChecksum whole = *this;
  char digits[kNumberTextMax];
  whole.add({digits, format_u64(synced, digits)});
  return XXH3_64bits_digest(&state_in(whole.state_.data()));
}

}  // namespace millrace::persistence
