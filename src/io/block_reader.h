// BlockReader: a file from a position to its end, in blocks. With `ahead` a thread reads the next block while the last
// one is worked on; where none can be made, or without it, next() reads. The thread can do something besides after each
// full block, while that is worked on.
//
// The disk must outlive it and the descriptor stay open. Used by one thread.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "io/disk.h"

namespace millrace::io {

class BlockReader {
 public:
  BlockReader(Disk& disk, int fd, uint64_t begin, size_t block_bytes, bool ahead, std::function<void()> besides = {});
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  // The bytes behind those of the last call: empty at the end, and from a failure on. They live until the next call.
  std::string_view next();
  // 0, or -errno of the read that failed.
  int64_t error() const { return error_; }

 private:
  struct Block {
    std::vector<char> bytes;
    int64_t count = 0;       // or -errno
    bool is_filled = false;  // whose it is: the thread's until then. Under the mutex.
  };

  void fill(Block& block);
  void read_ahead();
  void hand_over(Block& block, bool filled);
  bool wait_until(const Block& block, bool filled);

  Disk& disk_;
  const int fd_;
  const std::function<void()> besides_;  // of the thread; may be empty
  uint64_t offset_;                      // of the next block; of the thread, if there is one
  int64_t error_ = 0;
  bool is_done_ = false;
  size_t current_ = 1;  // the block that was given out
  std::array<Block, 2> blocks_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  bool is_ending_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace millrace::io
