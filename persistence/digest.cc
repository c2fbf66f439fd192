// See digest.h. XXH3 with 128 bits over the parts in their own order, each text preceded by its size.
#include "persistence/digest.h"

#include <xxhash.h>

#include <memory>
#include <type_traits>

#include "base/check.h"

namespace millrace::persistence {
namespace {

using streams::Group;
using streams::kNoConsumer;
using streams::kStreamIdMax;
using streams::kStreamIdMin;
using streams::Stream;
using streams::StreamId;

struct StateDeleter {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

class Hasher {
 public:
  Hasher() : state_(XXH3_createState()) {
    CHECK(state_ != nullptr);
    XXH3_128bits_reset(state_.get());
  }
  template <typename T>
  void number(T value) {
    static_assert(std::has_unique_object_representations_v<T>);
    XXH3_128bits_update(state_.get(), &value, sizeof value);
  }
  void text(std::string_view text) {
    number(text.size());
    XXH3_128bits_update(state_.get(), text.data(), text.size());
  }
  std::array<uint64_t, 2> halves() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
    return {hash.low64, hash.high64};
  }

 private:
  std::unique_ptr<XXH3_state_t, StateDeleter> state_;
};

void add_entries(Hasher& hasher, const Stream& stream) {
  for (auto entry = stream.entries(kStreamIdMin, kStreamIdMax); entry.valid(); entry.next()) {
    hasher.number(entry.id());
    hasher.number(entry.pair_count());
    for (size_t i = 0; i < entry.pair_count(); ++i) {
      const auto [field, value] = entry.next_pair();
      hasher.text(field);
      hasher.text(value);
    }
  }
}

void add_group(Hasher& hasher, const Stream& stream, const Group& group) {
  hasher.number(group.last_delivered);
  hasher.number(group.entries_read);
  hasher.number(group.consumers().size());
  for (const auto& [name, consumer] : group.consumers()) hasher.text(name);
  for (auto record = group.pending.first(); record; record = group.pending.after(record->id)) {
    hasher.number(record->id);
    hasher.text(group.consumer_name(record->consumer));
    hasher.number(record->delivery_time_ms);
    hasher.number(record->delivery_count);
  }
  for (auto record = group.pending.oldest(); record && record->consumer == kNoConsumer;) {
    if (stream.contains(record->id)) hasher.number(record->id);
    record = group.pending.next_oldest(record->id);
  }
}

void add_idempotency(Hasher& hasher, const streams::Idempotency& idempotency) {
  hasher.number(idempotency.limits().duration_s);
  hasher.number(idempotency.limits().entries_max);
  idempotency.visit({.producer =
                         [&](std::string_view producer, size_t records) {
                           hasher.text(producer);
                           hasher.number(records);
                         },
                     .record =
                         [&](std::string_view, std::string_view id, StreamId entry) {
                           hasher.text(id);
                           hasher.number(entry);
                         }});
}

}  // namespace

Digest& Digest::operator+=(const Digest& other) {
  for (size_t i = 0; i < halves_.size(); ++i) halves_[i] += other.halves_[i];
  return *this;
}

// 16 bytes of hash and four zero bytes: whoever expects the length of Redis's digest finds it.
std::string Digest::hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const uint64_t half : halves_) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[half >> shift & 0xf];
  }
  text.resize(2 * kSize, '0');
  return text;
}

Digest digest_of_value(const Stream& stream) {
  Hasher hasher;
  hasher.number(stream.length());
  hasher.number(stream.last_id());
  hasher.number(stream.max_deleted_id());
  hasher.number(stream.entries_added());
  add_entries(hasher, stream);
  for (const auto& [name, group] : stream.groups()) {
    hasher.text(name);
    add_group(hasher, stream, group);
  }
  add_idempotency(hasher, stream.idempotency);
  Digest digest;
  digest.halves_ = hasher.halves();
  return digest;
}

Digest digest_of_value(std::string_view string) {
  Hasher hasher;
  hasher.text(string);
  Digest digest;
  digest.halves_ = hasher.halves();
  return digest;
}

Digest digest_of_key(int database, std::string_view key, bool expires, const Digest& value) {
  Hasher hasher;
  hasher.number(database);
  hasher.text(key);
  hasher.number(static_cast<uint8_t>(expires));
  for (const uint64_t half : value.halves_) hasher.number(half);
  Digest digest;
  digest.halves_ = hasher.halves();
  return digest;
}

}  // namespace millrace::persistence
