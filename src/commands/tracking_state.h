// What a client has asked of CLIENT TRACKING. Two parts, like the rest of a Client: what its own core alone needs, and
// what whoever changes a key has to read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace millrace::commands {

// None is set while tracking is off.
enum TrackingFlag : uint8_t {
  kTrackingOn = 1u << 0,
  kTrackingBroadcast = 1u << 1,
  kTrackingOptIn = 1u << 2,
  kTrackingOptOut = 1u << 3,
  kTrackingNoLoop = 1u << 4,
};

// Owned by the client's core.
struct TrackingSession {
  bool is_exception = false;  // CLIENT CACHING: the next command is the exception to OPTIN or OPTOUT
  std::unique_ptr<std::set<std::string>> prefixes;  // of a broadcasting client
};

// Written by the client's core, but for the broken redirection, which whoever finds it broken notes.
struct TrackingCard {
  std::atomic<uint8_t> flags{0};
  std::atomic<uint64_t> redirect{0};  // the client that gets the messages instead; 0 = none
  // The redirection that led nowhere. Ids are never used twice, so an old note says nothing about a new redirection.
  std::atomic<uint64_t> broken_redirect{0};
  std::atomic<uint64_t> prefix_bytes{0};  // of the prefixes of a broadcasting client

  bool has(TrackingFlag flag) const { return (flags.load(std::memory_order_relaxed) & flag) != 0; }
  // As CLIENT GETREDIR and LIST show it: -1 while tracking is off.
  int64_t shown_redirect() const {
    return has(kTrackingOn) ? static_cast<int64_t>(redirect.load(std::memory_order_relaxed)) : -1;
  }
  bool is_redirect_broken() const {
    const uint64_t to = redirect.load(std::memory_order_relaxed);
    return has(kTrackingOn) && to != 0 && broken_redirect.load(std::memory_order_relaxed) == to;
  }
};

}  // namespace millrace::commands
