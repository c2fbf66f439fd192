// ReplicationId: 40 hex digits that name the history of the keys (INFO replication). Nobody replicates it; clients and
// tools compare it. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "base/random.h"

namespace millrace::commands {

class ReplicationId {
 public:
  explicit ReplicationId(std::string text) : text_(std::move(text)) {
    if (text_.empty()) text_.assign(kDigits, '0');
  }

  std::string text() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return text_;
  }
  void change(Random& random) EXCLUDES(mutex_) {
    constexpr std::string_view kHexDigits = "0123456789abcdef";
    MutexLock lock(mutex_);
    for (char& digit : text_) digit = kHexDigits[random.below(kHexDigits.size())];
  }

 private:
  static constexpr size_t kDigits = 40;

  mutable Mutex mutex_;
  std::string text_ GUARDED_BY(mutex_);
};

}  // namespace millrace::commands
